package confine

import (
	"errors"
	"fmt"
	"os"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Rights by what may be done, as in landlock(7). Rights that only directories
// have must not be asked for a file.
const (
	readFile  = unix.LANDLOCK_ACCESS_FS_READ_FILE
	readDir   = readFile | unix.LANDLOCK_ACCESS_FS_READ_DIR
	writeFile = readFile | unix.LANDLOCK_ACCESS_FS_WRITE_FILE | unix.LANDLOCK_ACCESS_FS_TRUNCATE
	writeDir  = readDir | writeFile | unix.LANDLOCK_ACCESS_FS_MAKE_REG | unix.LANDLOCK_ACCESS_FS_REMOVE_FILE
)

// The rights that versions of the interface know: all up to a bit.
var handledByVersion = []uint64{
	1: unix.LANDLOCK_ACCESS_FS_MAKE_SYM<<1 - 1,
	2: unix.LANDLOCK_ACCESS_FS_REFER<<1 - 1,
	3: unix.LANDLOCK_ACCESS_FS_TRUNCATE<<1 - 1,
	4: unix.LANDLOCK_ACCESS_FS_TRUNCATE<<1 - 1,
	5: unix.LANDLOCK_ACCESS_FS_IOCTL_DEV<<1 - 1,
}

// The versions that can deny TCP, and abstract Unix sockets of others.
const (
	versionNet   = 4
	versionScope = 6
)

// restrict allows nothing of the file system but what is in read and write, and
// no new TCP connections. It answers the version of Landlock, 0 for none.
func restrict(read, write []string) (version int, err error) {
	v, _, errno := unix.Syscall(unix.SYS_LANDLOCK_CREATE_RULESET, 0, 0, unix.LANDLOCK_CREATE_RULESET_VERSION)
	if errno != 0 {
		return 0, nil // not built in, or switched off
	}
	version = int(v)
	handled := handledByVersion[min(version, len(handledByVersion)-1)]
	set, err := createRuleset(version, handled)
	if err != nil {
		return 0, err
	}
	defer unix.Close(set)
	for _, path := range read {
		if err := allow(set, path, readFile&handled, readDir&handled); err != nil {
			return 0, err
		}
	}
	for _, path := range write {
		if err := allow(set, path, writeFile&handled, writeDir&handled); err != nil {
			return 0, err
		}
	}
	return version, allThreads("confining files with Landlock", unix.SYS_LANDLOCK_RESTRICT_SELF, uintptr(set), 0, 0)
}

func createRuleset(version int, handled uint64) (int, error) {
	attr := unix.LandlockRulesetAttr{Handled_access_fs: handled}
	size := unsafe.Sizeof(attr.Handled_access_fs)
	if version >= versionNet {
		attr.Handled_access_net = unix.LANDLOCK_ACCESS_NET_BIND_TCP | unix.LANDLOCK_ACCESS_NET_CONNECT_TCP
		size += unsafe.Sizeof(attr.Handled_access_net)
	}
	if version >= versionScope {
		attr.Scoped = unix.LANDLOCK_SCOPE_ABSTRACT_UNIX_SOCKET
		size += unsafe.Sizeof(attr.Scoped)
	}
	set, _, errno := unix.Syscall(unix.SYS_LANDLOCK_CREATE_RULESET, uintptr(unsafe.Pointer(&attr)), size, 0)
	if errno != 0 {
		return -1, fmt.Errorf("confining files with Landlock: %w", errno)
	}
	return int(set), nil
}

// allow adds a rule for a file or for what is in a directory.
func allow(set int, path string, file, directory uint64) error {
	fd, err := unix.Open(path, unix.O_PATH|unix.O_CLOEXEC, 0)
	if errors.Is(err, os.ErrNotExist) || errors.Is(err, os.ErrPermission) {
		return nil // nothing there that could be opened
	}
	if err != nil {
		return fmt.Errorf("confining files with Landlock: %s: %w", path, err)
	}
	defer unix.Close(fd)
	var stat unix.Stat_t
	if err := unix.Fstat(fd, &stat); err != nil {
		return fmt.Errorf("confining files with Landlock: %s: %w", path, err)
	}
	attr := unix.LandlockPathBeneathAttr{Allowed_access: file, Parent_fd: int32(fd)}
	if stat.Mode&unix.S_IFMT == unix.S_IFDIR {
		attr.Allowed_access = directory
	}
	_, _, errno := unix.Syscall6(unix.SYS_LANDLOCK_ADD_RULE, uintptr(set), unix.LANDLOCK_RULE_PATH_BENEATH, uintptr(unsafe.Pointer(&attr)), 0, 0, 0)
	if errno != 0 {
		return fmt.Errorf("confining files with Landlock: %s: %w", path, errno)
	}
	return nil
}
