//go:build !unix

package main

import (
	"os"
	"time"
)

var started = time.Now()

// peakOf: the peak memory of processes is not known here.
func peakOf(*os.ProcessState) int64 { return 0 }

// ownCPU takes the time on the wall for CPU time.
func ownCPU() time.Duration { return time.Since(started) }
