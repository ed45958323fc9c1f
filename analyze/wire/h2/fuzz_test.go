package h2

import (
	"bytes"
	"slices"
	"testing"

	"golang.org/x/net/http2/hpack"
)

// FuzzParser: no input makes the parser panic, hang, lose count of the bytes
// or give another result when it comes in pieces.
func FuzzParser(f *testing.F) {
	for _, v := range append(vectors(), broken()...) {
		f.Add([]byte(v.bytes), !v.server, uint16(13), uint16(7))
	}
	f.Fuzz(func(t *testing.T, b []byte, client bool, split, gap uint16) {
		v := vector{server: !client, bytes: string(b)}
		whole := feed(v).lines
		if got := feed(v, int(split)).lines; !slices.Equal(got, whole) {
			t.Fatalf("split at %d:\n got %q\nwant %q", split, got, whole)
		}
		for _, late := range []bool{false, true} {
			var p Parser
			p.Init(Options{FromClient: client, Late: late})
			n := min(int(split), len(b))
			p.Feed(ignore{}, b[:n])
			p.Gap(ignore{}, int64(gap))
			p.Feed(ignore{}, b[n:])
			if want := int64(len(b)) + int64(gap); p.Offset() != want {
				t.Fatalf("offset %d, want %d", p.Offset(), want)
			}
			if p.hpack.size > MaxTable || len(p.block) > MaxBlock || len(p.small) > maxSmall {
				t.Fatalf("holds %d, %d, %d bytes", p.hpack.size, len(p.block), len(p.small))
			}
		}
	})
}

// FuzzHPACK: what x/net decodes is decoded alike.
func FuzzHPACK(f *testing.F) {
	e := newEncoder()
	f.Add([]byte(e.block(connect...)), []byte(e.block(connect...)))
	f.Add([]byte("\x20\x3f\xe1\x1f\x88"), []byte("\x40\x01a\x01b\xbe"))
	f.Add([]byte("\x5f\x82\x1c\x64"), []byte("\x0f\x2f\x01x\x10\x01y\x01z\xbe"))
	f.Fuzz(func(t *testing.T, a, b []byte) {
		if len(a)+len(b) > MaxFields {
			return
		}
		var tab table
		tab.init(false)
		d := hpack.NewDecoder(defaultTable, nil)
		for _, block := range [][]byte{a, b} {
			want, err := d.DecodeFull(block)
			got, _ := decodeAll(&tab, string(bytes.Clone(block)))
			if err != nil {
				return
			}
			if len(got[0].Fields) != len(want) || got[0].Truncated {
				t.Fatalf("%d fields, truncated %v, want %d", len(got[0].Fields), got[0].Truncated, len(want))
			}
			for i, field := range got[0].Fields {
				if field.Name != want[i].Name || field.Value != want[i].Value || field.Unknown {
					t.Fatalf("field %d is %v, want %v", i, field, want[i])
				}
			}
		}
	})
}
