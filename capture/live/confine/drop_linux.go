package confine

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// lastCapability is more than any kernel has; asking for one that it does not
// know ends the loop.
const lastCapability = 63

// Drop confines all threads of the process, for good. After an error the
// process may be confined in part: it should end. Programs that use cgo cannot
// call it.
func Drop(o Options) (Result, error) {
	result := Result{Confined: true}
	if err := dropBounding(); err != nil {
		return result, err
	}
	if o.Identity != nil && o.Identity.UID != os.Geteuid() {
		if err := become(o.Identity); err != nil {
			return result, err
		}
	}
	if err := dropCapabilities(); err != nil {
		return result, err
	}
	// No program that is executed from here on gets more than this one has.
	if err := allThreads("setting no_new_privs", unix.SYS_PRCTL, unix.PR_SET_NO_NEW_PRIVS, 1, 0); err != nil {
		return result, err
	}
	if err := verify(); err != nil {
		return result, err
	}
	result.Root = os.Geteuid() == 0
	var err error
	result.Landlock, err = restrict(o.Read, o.Write)
	return result, err
}

// allThreads makes a system call on each thread of the process.
func allThreads(what string, call, a, b, c uintptr) error {
	if _, _, errno := syscall.AllThreadsSyscall6(call, a, b, c, 0, 0, 0); errno != 0 {
		return failed(what, errno)
	}
	return nil
}

func failed(what string, errno syscall.Errno) error {
	if errno == syscall.ENOTSUP {
		return fmt.Errorf("giving up privileges: %w on all threads of a program that was built with cgo: build it with CGO_ENABLED=0", errno)
	}
	return fmt.Errorf("giving up privileges: %s: %w", what, errno)
}

// dropBounding empties the bounding set. Without CAP_SETPCAP, as after setcap
// cap_net_raw, that is not permitted, and no_new_privs has to do.
func dropBounding() error {
	for capability := range uintptr(lastCapability + 1) {
		_, _, errno := syscall.AllThreadsSyscall6(unix.SYS_PRCTL, unix.PR_CAPBSET_DROP, capability, 0, 0, 0, 0)
		switch errno {
		case 0:
		case unix.EPERM, unix.EINVAL:
			return nil
		default:
			return failed("emptying the bounding set", errno)
		}
	}
	return nil
}

// become changes the user, saved and real IDs included. The syscall package
// does so on all threads.
func become(id *Identity) error {
	if err := syscall.Setgroups(id.Groups); err != nil {
		return fmt.Errorf("becoming user %s: setting groups: %w", id.Name, err)
	}
	if err := syscall.Setresgid(id.GID, id.GID, id.GID); err != nil {
		return fmt.Errorf("becoming user %s: setting group %d: %w", id.Name, id.GID, err)
	}
	if err := syscall.Setresuid(id.UID, id.UID, id.UID); err != nil {
		return fmt.Errorf("becoming user %s: setting user %d: %w", id.Name, id.UID, err)
	}
	return nil
}

// dropCapabilities empties the ambient, effective, permitted and inheritable
// sets.
func dropCapabilities() error {
	if err := allThreads("clearing ambient capabilities", unix.SYS_PRCTL, unix.PR_CAP_AMBIENT, unix.PR_CAP_AMBIENT_CLEAR_ALL, 0); err != nil {
		return err
	}
	// Those of capset(2); process 0 is the calling thread.
	header := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	var data [2]unix.CapUserData
	_, _, errno := syscall.AllThreadsSyscall(unix.SYS_CAPSET, uintptr(unsafe.Pointer(&header)), uintptr(unsafe.Pointer(&data[0])), 0)
	if errno != 0 {
		return failed("dropping capabilities", errno)
	}
	return nil
}

// verify reads what the kernel says of each thread.
func verify() error {
	files, err := filepath.Glob("/proc/self/task/*/status")
	if err != nil || len(files) == 0 {
		return nil // no /proc: each call above answered that it worked
	}
	for _, name := range files {
		status, err := os.ReadFile(name)
		if err != nil {
			continue // the thread ended
		}
		if err := verifyStatus(string(status)); err != nil {
			return err
		}
	}
	return nil
}

func verifyStatus(status string) error {
	for line := range strings.Lines(status) {
		key, value, _ := strings.Cut(strings.TrimSpace(line), ":\t")
		switch key {
		case "CapEff", "CapPrm", "CapInh", "CapAmb":
			if set, err := strconv.ParseUint(value, 16, 64); err != nil || set != 0 {
				return fmt.Errorf("giving up privileges: a thread kept %s %s", key, value)
			}
		case "NoNewPrivs":
			if value != "1" {
				return fmt.Errorf("giving up privileges: a thread has no_new_privs %s", value)
			}
		}
	}
	return nil
}
