// Command wsleuth reads packet captures and says why each WebSocket
// connection in them failed.
package main

import (
	"os"
	"runtime/debug"
	_ "time/tzdata" // --tz knows its names on every system
)

// version is set by the linker for releases.
var version = ""

func main() {
	var closing func()
	if os.Getenv("GOGC") == "" {
		closing = startPacer().close
	}
	os.Exit(run(&program{
		args:    os.Args[1:],
		stdin:   os.Stdin,
		stdout:  os.Stdout,
		stderr:  os.Stderr,
		getenv:  os.Getenv,
		version: versionOf(version),
		closing: closing,
	}))
}

// versionOf is the linked version, else that of the module, for go install.
func versionOf(linked string) string {
	if linked != "" {
		return linked
	}
	if info, ok := debug.ReadBuildInfo(); ok && info.Main.Version != "" {
		return info.Main.Version
	}
	return "(devel)"
}
