package report

import (
	"bytes"
	"encoding/json"
	"io"
	"math"
	"math/rand"
	"net/netip"
	"reflect"
	"testing"

	"github.com/wsleuth/wsleuth/analyze/record"
)

// oddTexts have everything that must be escaped, and what need not.
var oddTexts = []string{"", "plain", `"quoted" \ back`, "line\nbreak\r\t\b\f\x00\x1b", "\x7f", "é ü 漢字 😀", "\u202e\u200b\ufe0f", "\U000e0100\U0010ffff",
	"\xff\xc3", "\u2028\u2029", "<a href='x'>&", "\ufffd", "cut \xe2\x80"}

var oddTimes = []int64{0, 1, -1, -1e9, 1e9, 1705309200000000000, 1705309200000000001, 1705309200120000000, 1705309201999999999, math.MaxInt64, math.MinInt64}

var oddNumbers = []float64{0, math.Copysign(0, -1), 1, -1, 0.1, 1e-6, 9.99e-7, 1e-9, 1.5e-12, 123456.789, 1e15, 999999999999999, 1e20, 1e21, 1.25e22, math.MaxFloat64, -2.5e-7, 12345678901234567}

// fill gives every exported field below v some value, often none.
func fill(r *rand.Rand, v reflect.Value) {
	switch at := v.Addr().Interface().(type) {
	case **record.Facts:
		return
	case *record.Time:
		*at = record.Time(oddTimes[r.Intn(len(oddTimes))])
		return
	case *record.Dir:
		*at = record.Dir(r.Intn(2))
		return
	case *netip.AddrPort:
		*at = []netip.AddrPort{{}, netip.MustParseAddrPort("192.0.2.1:80"), netip.MustParseAddrPort("[2001:db8::1]:443"),
			netip.MustParseAddrPort("[::ffff:192.0.2.1]:1"), netip.AddrPortFrom(netip.MustParseAddr("fe80::1").WithZone("e\"\n0"), 9)}[r.Intn(5)]
		return
	}
	switch v.Kind() {
	case reflect.Struct:
		for i := range v.NumField() {
			fill(r, v.Field(i))
		}
	case reflect.Pointer:
		if r.Intn(3) > 0 {
			v.Set(reflect.New(v.Type().Elem()))
			fill(r, v.Elem())
		}
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), r.Intn(3), 3))
		fallthrough
	case reflect.Array:
		for i := range v.Len() {
			fill(r, v.Index(i))
		}
	case reflect.String:
		v.SetString(oddTexts[r.Intn(len(oddTexts))])
	case reflect.Int, reflect.Int64, reflect.Int32:
		v.SetInt([]int64{0, 1, -1, 200, math.MaxInt32}[r.Intn(5)])
	case reflect.Float64:
		v.SetFloat(oddNumbers[r.Intn(len(oddNumbers))])
	case reflect.Bool:
		v.SetBool(r.Intn(2) == 0)
	default:
		panic("no way to fill " + v.Type().String())
	}
}

// A field that is added to record.Connection or below fails here until jsonText writes it.
func TestConnectionIsWrittenAsItsTagsSay(t *testing.T) {
	r := rand.New(rand.NewSource(1))
	standard, written := newEncoder(), new(jsonText)
	for range 3000 {
		c := new(record.Connection)
		fill(r, reflect.ValueOf(c).Elem())
		want, err := standard.value(c)
		if err != nil {
			t.Fatal(err)
		}
		got, err := written.connection(c)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(got, want) {
			i := 0
			for i < min(len(got), len(want)) && got[i] == want[i] {
				i++
			}
			t.Fatalf("differs at byte %d:\n got %.200s\nwant %.200s", i, got[max(0, i-60):], want[max(0, i-60):])
		}
	}
}

func TestConnectionListsAreNeverNull(t *testing.T) {
	got, err := new(jsonText).connection(&record.Connection{Request: &record.Request{}, Response: &record.Response{}, Findings: make([]record.Finding, 1)})
	if err != nil || !json.Valid(got) || bytes.Contains(got, []byte("null")) {
		t.Errorf("%v: %s", err, got)
	}
	if got, _ = new(jsonText).connection(&record.Connection{}); !bytes.Contains(got, []byte(`"findings":[]`)) {
		t.Errorf("no findings in %s", got)
	}
}

func TestConnectionWithoutANumber(t *testing.T) {
	for _, f := range []float64{math.NaN(), math.Inf(1), math.Inf(-1)} {
		j := new(jsonText)
		if b, err := j.connection(&record.Connection{DurationMS: f}); err == nil {
			t.Errorf("%v is written as %s", f, b)
		}
		if _, err := j.connection(&record.Connection{}); err != nil {
			t.Error("the error stays:", err)
		}
	}
}

func TestNDJSONConnectionDoesNotAllocate(t *testing.T) {
	n, c := NewNDJSON(io.Discard, Options{}), new(record.Connection)
	fill(rand.New(rand.NewSource(2)), reflect.ValueOf(c).Elem())
	c.Client, c.Server = netip.MustParseAddrPort("192.0.2.1:80"), netip.MustParseAddrPort("[2001:db8::1]:443")
	n.Connection(c)
	if got := testing.AllocsPerRun(100, func() { n.Connection(c) }); got > 0 {
		t.Errorf("%v allocations for a connection", got)
	}
}
