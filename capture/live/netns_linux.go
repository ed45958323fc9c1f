package live

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// namespacePath is where a namespace is, given as in Options.Namespace.
func namespacePath(namespace string) string {
	if _, err := strconv.ParseUint(namespace, 10, 31); err == nil {
		return filepath.Join("/proc", namespace, "ns/net")
	}
	if !strings.Contains(namespace, "/") {
		return filepath.Join("/run/netns", namespace)
	}
	return namespace
}

// within runs f in a network namespace. Sockets that f opens stay in it. f
// must not start goroutines.
func within(namespace string, f func() error) error {
	if namespace == "" {
		return f()
	}
	path := namespacePath(namespace)
	there, err := os.Open(path)
	if err != nil {
		return namespaceError(namespace, err)
	}
	defer there.Close()
	result := make(chan error)
	go func() { result <- enter(namespace, int(there.Fd()), f) }()
	return <-result
}

// enter runs on a goroutine of its own: a thread that cannot get back ends
// with it, for it stays locked.
func enter(namespace string, there int, f func() error) error {
	runtime.LockOSThread()
	here, err := os.Open("/proc/thread-self/ns/net")
	if err != nil {
		return fmt.Errorf("finding the way back from namespace %s: %w", namespace, err)
	}
	defer here.Close()
	if err := unix.Setns(there, unix.CLONE_NEWNET); err != nil {
		runtime.UnlockOSThread()
		return namespaceError(namespace, err)
	}
	err = f()
	if unix.Setns(int(here.Fd()), unix.CLONE_NEWNET) == nil {
		runtime.UnlockOSThread()
	}
	return err
}

func namespaceError(namespace string, err error) error {
	switch {
	case errors.Is(err, os.ErrPermission):
		return fmt.Errorf("%w in namespace %s (%w): run sudo wsleuth live", ErrPermission, namespace, err)
	case errors.Is(err, os.ErrNotExist):
		return fmt.Errorf("no network namespace %s: give the ID of a process in it, its path, or its name as ip netns has it (%w)", namespace, err)
	}
	return fmt.Errorf("entering network namespace %s: %w", namespace, err)
}
