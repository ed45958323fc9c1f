// Package confine gives up what a program that parses hostile packets should
// not have: capabilities, the identity of root, and the file system.
//
// Most callers need only [Choose] and [Drop]: open sockets and start commands
// first, for a child inherits the confinement, then call Drop, then read the
// first packet. Systems other than Linux know none of this; there Drop does
// nothing, and says so in its Result.
package confine

// Identity is whom a process becomes.
type Identity struct {
	Name     string
	Home     string
	UID, GID int
	Groups   []int // without GID
}

// Options for Drop.
type Options struct {
	// Identity is whom to become, if the process is root; nil leaves it as it
	// is, without capabilities.
	Identity *Identity
	// Read and Write are the files and directories that may still be opened,
	// with all that is in them; those that are not there are left out. What
	// is open stays open.
	Read, Write []string
}

// Result says what Drop achieved.
type Result struct {
	// Confined is false on systems where there is nothing to drop.
	Confined bool
	// Landlock is the version of the kernel's file confinement, 0 if it has
	// none: then Read and Write were not enforced.
	Landlock int
	// Root: the process still has the user ID 0, for there was no Identity.
	Root bool
}
