package main

import (
	"os"
	"runtime"
	"runtime/pprof"
)

// profile starts the profiles that the hidden flags ask for.
func (a *analysis) profile() (stop func(), err error) {
	stops := []func(){}
	stop = func() {
		for _, s := range stops {
			s()
		}
	}
	if a.cpuProfile != "" {
		f, err := os.Create(a.cpuProfile)
		if err != nil {
			return stop, wrong("", "cannot write the profile: %w", err)
		}
		if err := pprof.StartCPUProfile(f); err != nil {
			return stop, wrong("", "cannot profile: %w", err)
		}
		stops = append(stops, func() { pprof.StopCPUProfile(); f.Close() })
	}
	if a.memProfile != "" {
		f, err := os.Create(a.memProfile)
		if err != nil {
			return stop, wrong("", "cannot write the profile: %w", err)
		}
		stops = append(stops, func() {
			runtime.GC()
			pprof.WriteHeapProfile(f)
			f.Close()
		})
	}
	return stop, nil
}

// profileTo starts a CPU profile, unless name is empty.
func profileTo(name string) (stop func(), err error) {
	return (&analysis{cpuProfile: name}).profile()
}
