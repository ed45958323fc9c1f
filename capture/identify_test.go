package capture

import (
	"errors"
	"strings"
	"testing"
)

func TestIdentify(t *testing.T) {
	etl := make([]byte, 600)
	copy(etl, "\x00\x00\x01\x00\x98\x05\x00\x00")
	etl[74], etl[75] = 2, 0xc0
	tar := make([]byte, 512)
	copy(tar, "capture.pcap")
	copy(tar[257:], "ustar")
	for _, c := range []struct {
		name, data, what, hint string
	}{
		{"trace", string(etl), "ETL", "pktmon etl2pcap"},
		{"trace.etl", "\x01\x02\x03\x04\x05", "ETL", "pktmon etl2pcap"},
		{"x.cap", "GMBU\x00\x02", "Network Monitor", "editcap"},
		{"x.snoop", "snoop\x00\x00\x00\x00\x00\x00\x02", "snoop", "editcap"},
		{"x", "iptrace 2.0", "iptrace", "editcap"},
		{"x.erf", "\x01\x02\x03\x04\x05", "ERF", "editcap"},
		{"x.ncf", "\x01\x02\x03\x04\x05", "CommView", "editcap"},
		{"x.pcap", "", "empty", "rights"},
		{"x.pcap", "\xd4\xc3", "no capture format", "editcap"},
		{"x.pcap", "<!DOCTYPE HTML>\n<html>", "HTML", "login"},
		{"x.har", `{"log": {"version": "1.2", "entries": []}}`, "HAR", "tcpdump"},
		{"x.json", `[{"_index": "packets"}]`, "JSON", "capture file"},
		{"x.xml", "\ufeff<?xml version='1.0'?><pdml>", "XML", "tcpdump -w"},
		{"x.keys", "CLIENT_RANDOM 00 11\n", "key log", "key log"},
		{"x.txt", "10:00:00.1 IP 10.0.0.1.80 > 10.0.0.2.5: Flags [S] é", "text", "tcpdump -w"},
		{"x.txt", "0000  00 11 22 33\n", "hex dump", "text2pcap"},
		{"x.txt", "\xff\xfeh\x00i\x00", "UTF-16", "tcpdump -w"},
		{"x.zip", "PK\x03\x04", "zip", "unpack"},
		{"x.tar", string(tar), "tar", "unpack"},
		{"x.pcap", strings.Repeat("\x00", 100), "zero bytes", "copy"},
		{"x.pcap", "\x89PNG\r\n\x1a\n", "no capture format", "editcap"},
		{"x.pcap", "\x0a\x0d\x0d\x0a\x1c\x00\x00\x00\x00\x00\x00\x00", "no capture format", "editcap"},
	} {
		for packing := range 2 {
			data := []byte(c.data)
			if packing == 1 {
				data = pack(t, "gzip", data)
			}
			dir := write(t, map[string][]byte{c.name: data})
			_, err := Open(t.Context(), []string{dir + "/" + c.name}, Options{})
			var fe *FileError
			if !errors.As(err, &fe) {
				t.Errorf("%s %q: %v", c.name, c.data, err)
				continue
			}
			if packing == 1 && c.data == "" {
				continue
			}
			if fe.Kind != NotACapture || !strings.Contains(fe.What, c.what) || !strings.Contains(fe.Hint, c.hint) || !strings.Contains(fe.Error(), c.name) {
				t.Errorf("%s %.20q, packed %d: %v; want %s, %s", c.name, c.data, packing, err, c.what, c.hint)
			}
		}
	}
}

func TestNames(t *testing.T) {
	for _, c := range []struct{ got, want string }{
		{LinkEthernet.String(), "ethernet"},
		{LinkSLL2.String(), "linux-sll2"},
		{LinkType(147).String(), "link-type 147"},
		{CutShort.String(), "cut short"},
		{LimitReached.String(), "limit reached"},
		{ProblemKind(99).String(), "problem 99"},
	} {
		if c.got != c.want {
			t.Errorf("%q, want %q", c.got, c.want)
		}
	}
}
