//go:build !linux && !darwin && !windows

package live

import "errors"

var errSystem = errors.New("capturing is not supported on this system: capture with tcpdump -w, and read the file")

// Interfaces lists the interfaces. There are no namespaces here.
func Interfaces(string) ([]Interface, error) { return systemInterfaces() }

// DefaultInterface cannot tell on this system.
func DefaultInterface(string) (string, error) { return "", errSystem }

func open(Options) (backend, []string, error) { return nil, nil, errSystem }
