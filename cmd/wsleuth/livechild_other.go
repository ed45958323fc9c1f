//go:build !unix

package main

import (
	"os"
	"syscall"

	"github.com/wsleuth/wsleuth/capture/live/confine"
)

func credentials(*confine.Identity) *syscall.SysProcAttr { return nil }

func signalOf(*os.ProcessState) int { return 0 }
