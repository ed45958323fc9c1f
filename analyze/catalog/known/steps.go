package known

import (
	"strings"

	"github.com/wsleuth/wsleuth/analyze/record"
)

// CaptureAt is a next step: a capture at another place, and what it shows. There
// is none where both ends are on one host.
func CaptureAt(c *record.Connection, place string) string {
	if OneHost(c) {
		return ""
	}
	return "Capture at " + place
}

// OneHost: both ends are one host's, so what one sent the other got. Beyond a
// tunnel through a proxy on the same host is another one.
func OneHost(c *record.Connection) bool {
	client, server := c.Client.Addr().Unmap(), c.Server.Addr().Unmap()
	return (client == server || client.IsLoopback() && server.IsLoopback()) && (c.Facts == nil || c.Facts.Tunnel == nil)
}

// SClient is the command that tries TLS at the far end by hand, with a server
// name if there is one. The capture may be hostile: what a shell would take for
// more than a name is left out.
func SClient(c *record.Connection, name string) string {
	command := "openssl s_client"
	for _, x := range [...]struct{ flag, value string }{{" -connect ", Endpoint(c)}, {" -servername ", name}} {
		if x.value != "" && !strings.ContainsFunc(x.value, beyondNames) {
			command += x.flag + x.value
		}
	}
	return command
}

// beyondNames: the character stands in no host name, address or port.
func beyondNames(r rune) bool {
	letter := 'a' <= r|0x20 && r|0x20 <= 'z'
	return !letter && !strings.ContainsRune("0123456789-._:[]", r)
}
