package confine

import (
	"fmt"
	"os"
	"os/user"
	"strconv"
)

// Choose gives whom to become: the user of that name or ID; if name is empty,
// the one who called sudo; nil if there is none, or if the process is not root
// and no name is given.
func Choose(name string) (*Identity, error) {
	if name == "" {
		if name = os.Getenv("SUDO_UID"); name == "" || os.Geteuid() != 0 {
			return nil, nil
		}
	}
	u, err := user.Lookup(name)
	if err != nil {
		if byID, e := user.LookupId(name); e == nil {
			u, err = byID, nil
		}
	}
	if uid, e := strconv.ParseUint(name, 10, 31); err != nil && e == nil {
		return unknown(int(uid)), nil
	}
	if err != nil {
		return nil, fmt.Errorf("cannot become the user %s: %w", name, err)
	}
	return identity(u)
}

// unknown is a user that the system has no entry for, as in containers.
func unknown(uid int) *Identity {
	id := &Identity{Name: strconv.Itoa(uid), UID: uid, GID: uid, Home: "/"}
	if gid, err := strconv.ParseUint(os.Getenv("SUDO_GID"), 10, 31); err == nil && os.Getenv("SUDO_UID") == id.Name {
		id.GID = int(gid)
	}
	return id
}

func identity(u *user.User) (*Identity, error) {
	id := &Identity{Name: u.Username, Home: u.HomeDir}
	var err error
	if id.UID, err = strconv.Atoi(u.Uid); err != nil {
		return nil, fmt.Errorf("user %s has no numeric ID: %w", u.Username, err)
	}
	if id.GID, err = strconv.Atoi(u.Gid); err != nil {
		return nil, fmt.Errorf("user %s has no numeric group: %w", u.Username, err)
	}
	groups, err := u.GroupIds()
	if err != nil {
		return id, nil // the main group is enough for one's own files
	}
	for _, g := range groups {
		if gid, err := strconv.Atoi(g); err == nil && gid != id.GID {
			id.Groups = append(id.Groups, gid)
		}
	}
	return id, nil
}
