package decrypt

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/iotest"
)

var (
	hex32 = strings.Repeat("0123456789abcdef", 4)
	hex48 = strings.Repeat("0123456789ABCDEF", 6)
)

func TestKeyLogLines(t *testing.T) {
	cases := []struct {
		line  string
		added int
		ok    bool
	}{
		{"CLIENT_RANDOM " + hex32 + " " + hex48, 1, true},
		{"CLIENT_RANDOM " + hex32 + " " + hex48 + "\r", 1, true},
		{"\ufeffCLIENT_RANDOM " + hex32 + " " + hex48, 1, true},
		{"CLIENT_HANDSHAKE_TRAFFIC_SECRET " + hex32 + " " + hex32, 1, true},
		{"SERVER_TRAFFIC_SECRET_0 " + hex32 + " " + hex48, 1, true},
		{"CLIENT_EARLY_TRAFFIC_SECRET " + hex32 + " " + hex32, 1, true},
		{"PMS_CLIENT_RANDOM " + hex32 + " 0303" + hex32, 1, true},
		{"RSA 0123456789abcdef " + hex48, 1, true},
		{"RSA Session-ID:" + hex32 + " Master-Key:" + hex48, 1, true},
		{"# a comment", 0, true},
		{"", 0, true},
		{"   ", 0, true},
		{"EXPORTER_SECRET " + hex32 + " " + hex48, 0, true},
		{"QUIC_CLIENT_HANDSHAKE_TRAFFIC_SECRET " + hex32 + " " + hex32, 0, true},
		{"CLIENT_TRAFFIC_SECRET_1 " + hex32 + " " + hex32, 0, true},
		{"ECH_SECRET " + hex32 + " " + hex32, 0, true},
		{"CLIENT_RANDOM " + hex32 + " " + hex48[:94], 0, false},
		{"CLIENT_RANDOM " + hex32[:62] + " " + hex48, 0, false},
		{"CLIENT_RANDOM " + hex32, 0, false},
		{"CLIENT_TRAFFIC_SECRET_0 " + hex32 + " " + hex32[:20], 0, false},
		{"CLIENT_RANDOM " + hex32 + " " + hex48 + " 00", 0, false},
		{"client_random " + hex32 + " " + hex48, 0, false},
		{"RSA 0123 " + hex48, 0, false},
		{"RSA Session-ID: Master-Key:" + hex48, 0, false},
		{"RSA Session-ID:" + hex32 + " " + hex48, 0, false},
		{"GET / HTTP/1.1", 0, false},
		{strings.Repeat("A", maxKeyLogLine+1), 0, false},
	}
	for _, x := range cases {
		k := &Keys{}
		err := k.AddKeyLog(strings.NewReader(x.line+"\n"), "keys.txt")
		if (err == nil) != x.ok || k.Len() != x.added {
			t.Errorf("%.60q: %d added, error %v", x.line, k.Len(), err)
		}
	}
}

func TestKeyLogError(t *testing.T) {
	var b strings.Builder
	for i := range 30 {
		if i%3 == 0 {
			b.WriteString("secret nonsense " + hex32 + "\n")
		} else {
			fmt.Fprintf(&b, "CLIENT_RANDOM %064x %s\n", i, hex48)
		}
	}
	k := &Keys{}
	err := k.AddKeyLog(strings.NewReader(b.String()), "keys.txt")
	var bad *KeyLogError
	if !errors.As(err, &bad) || bad.Bad != 10 || bad.Added != 20 || k.Len() != 20 || !slices.Equal(bad.Lines, []int{1, 4, 7, 10, 13, 16, 19, 22}) {
		t.Fatalf("%v: %+v", err, bad)
	}
	for _, secret := range []string{"nonsense", hex32[:16], hex48[:16]} {
		if strings.Contains(fmt.Sprint(err, k), secret) || strings.Contains(fmt.Sprintf("%+v %#v", err, k), secret) {
			t.Errorf("%q is in an error or in a String method", secret)
		}
	}
	if err := k.AddKeyLog(iotest.ErrReader(errors.New("disk gone")), "keys.txt"); err == nil || errors.As(err, &bad) && bad == nil {
		t.Errorf("reading error: %v", err)
	}
	// The rest of a chunked file is the same file.
	if err := new(Keys).AddKeyLog(iotest.OneByteReader(strings.NewReader("CLIENT_RANDOM "+hex32+" "+hex48)), "x"); err != nil {
		t.Error(err)
	}
}

func FuzzKeyLog(f *testing.F) {
	f.Add([]byte("CLIENT_RANDOM " + hex32 + " " + hex48 + "\n"))
	f.Add([]byte("RSA Session-ID:" + hex32 + " Master-Key:" + hex48))
	f.Add([]byte("RSA 0123456789abcdef " + hex48 + "\r\n# x\n\n\x00\xff"))
	f.Fuzz(func(t *testing.T, b []byte) {
		k := &Keys{}
		err := k.AddKeyLog(strings.NewReader(string(b)), "fuzz")
		lines := strings.Count(string(b), "\n") + 1
		var bad *KeyLogError
		if errors.As(err, &bad) && bad.Bad+bad.Added > lines || k.Len() > lines {
			t.Fatalf("%d lines gave %d secrets: %v", lines, k.Len(), err)
		}
	})
}
