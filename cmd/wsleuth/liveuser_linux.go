package main

import (
	"errors"
	"os"
	"runtime"
	"syscall"

	"github.com/wsleuth/wsleuth/capture/live/confine"
)

// asUser calls f with the rights of the user that the process is going to
// become: files that f creates are theirs, and where they may not write, f may
// not either.
func asUser(id *confine.Identity, f func() error) (err error) {
	if id == nil || os.Geteuid() != 0 || id.UID == 0 {
		return f()
	}
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	groups, err := syscall.Getgroups()
	if err != nil {
		return err
	}
	if err := errors.Join(syscall.Setgroups(id.Groups), syscall.Setresgid(-1, id.GID, -1), syscall.Setresuid(-1, id.UID, -1)); err != nil {
		return err
	}
	defer func() {
		err = errors.Join(err, syscall.Setresuid(-1, 0, -1), syscall.Setresgid(-1, 0, -1), syscall.Setgroups(groups))
	}()
	return f()
}

// ownDirectory tells whether nobody else can put files into a directory.
func ownDirectory(name string) error {
	info, err := os.Lstat(name)
	if err != nil {
		return err
	}
	stat, ok := info.Sys().(*syscall.Stat_t)
	switch {
	case !info.IsDir():
		return errors.New("it is no directory")
	case ok && int(stat.Uid) != os.Geteuid():
		return errors.New("it belongs to somebody else")
	case info.Mode().Perm()&0o077 != 0:
		return errors.New("others can use it")
	}
	return nil
}
