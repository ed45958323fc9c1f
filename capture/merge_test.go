package capture

import (
	"context"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// steps are times from one to another in ns.
func steps(from, to, by int64) (times []int64) {
	for at := from; at <= to; at += by {
		times = append(times, at)
	}
	return times
}

const (
	ms = int64(1_000_000)
	us = int64(1_000)
)

func TestVantages(t *testing.T) {
	hour := 3600 * second
	for _, c := range []struct {
		name  string
		files map[string][]int64
		want  string // file=vantage in the order of files
	}{
		{"tcpdump -C", map[string][]int64{"cap.pcap": steps(0, second, ms), "cap.pcap1": steps(second+us, 2*second, ms), "cap.pcap2": steps(2*second, 3*second, ms)},
			"cap.pcap=0 cap.pcap1=0 cap.pcap2=0"},
		{"tcpdump -G", map[string][]int64{"c-10_00_00.pcap": steps(0, second, ms), "c-11_00_00.pcap": steps(hour, hour+second, ms)},
			"c-10_00_00.pcap=0 c-11_00_00.pcap=0"},
		{"late packets at the end", map[string][]int64{"c_1.pcap": append(steps(0, second, ms), second+90*ms), "c_2.pcap": steps(second+50*ms, 2*second, ms)},
			"c_1.pcap=0 c_2.pcap=0"},
		{"late packets, other names", map[string][]int64{"a": append(steps(0, second, ms), second+9*ms), "b": steps(second+5*ms, 2*second, ms)},
			"a=0 b=0"},
		{"too late, other names", map[string][]int64{"a": append(steps(0, second, ms), second+90*ms), "b": steps(second+5*ms, 2*second, ms)},
			"a=0 b=1"},
		{"two places", map[string][]int64{"client": steps(0, second, ms), "server": steps(3*ms, second, ms)},
			"client=0 server=1"},
		{"two places, short", map[string][]int64{"client": steps(0, 5*ms, us), "server": steps(400*us, 5*ms, us)},
			"client=0 server=1"},
		{"numbered places", map[string][]int64{"eth0": steps(0, 5*ms, us), "eth1": steps(4*ms-ms/2, 9*ms, us)},
			"eth0=0 eth1=1"},
		{"one packet each", map[string][]int64{"a1": {5}, "a2": {5}, "a3": {6}},
			"a1=0 a2=0 a3=0"},
		{"two rotated sets", map[string][]int64{
			"client.0": steps(0, second, ms), "client.1": steps(second+5*ms, 2*second, ms),
			"server.0": steps(ms, second+ms, ms), "server.1": steps(second+3*ms, 2*second, ms)},
			"client.0=0 server.0=1 server.1=1 client.1=0"},
		{"two rotated sets, one stops", map[string][]int64{
			"client.0": steps(0, second, ms), "client.1": steps(second+5*ms, 2*second, ms), "server.0": steps(ms, second+ms, ms)},
			"client.0=0 server.0=1 client.1=0"},
		{"a stranger does not take a set's place", map[string][]int64{
			"client.0": steps(0, second, ms), "client.1": steps(3*second, 4*second, ms), "other": steps(2*second, 5*second, ms)},
			"client.0=0 other=1 client.1=0"},
		{"one after the other", map[string][]int64{"noon": steps(second, 2*second, ms), "morning": steps(0, second/2, ms)},
			"morning=0 noon=0"},
		{"no packets", map[string][]int64{"a1": steps(0, second, ms), "a2": nil},
			"a1=0 a2=0"},
	} {
		t.Run(c.name, func(t *testing.T) {
			files := map[string][]byte{}
			total := 0
			for name, times := range c.files {
				files[name] = pcapOf(name, times...)
				total += len(times)
			}
			dir := write(t, files)
			packets, infos := read(t, Options{}, dir)
			var vantages []string
			for _, info := range infos {
				vantages = append(vantages, fmt.Sprintf("%s=%d", filepath.Base(info.Name), info.Vantage))
			}
			if have := strings.Join(vantages, " "); have != c.want {
				t.Errorf("vantages %s, want %s", have, c.want)
			}
			if len(packets) != total {
				t.Errorf("%d packets, want %d", len(packets), total)
			}
			checkMerged(t, packets, infos)
		})
	}
}

// checkMerged checks what holds for any merge: each file's packets are whole
// and in their order, those of a vantage come file by file, and time goes back
// by no more than the tolerance.
func checkMerged(t *testing.T, packets []got, infos []*FileInfo) {
	t.Helper()
	numbers := make([]int64, len(infos))
	file := map[int32]int32{}
	clock := int64(-1)
	for _, p := range packets {
		info := infos[p.file]
		numbers[p.file]++
		if p.number != numbers[p.file] || p.vantage != info.Vantage || p.data != filepath.Base(info.Name)+":"+itoa(p.number) {
			t.Fatalf("packet %+v after %d of %s", p, numbers[p.file]-1, info.Name)
		}
		if before, ok := file[p.vantage]; ok && p.file < before {
			t.Fatalf("packet %+v behind one of file %d", p, before)
		}
		file[p.vantage] = p.file
		if clock = max(clock, p.time); p.clock != clock || p.time < clock-kinTolerance {
			t.Fatalf("packet %+v at clock %d", p, clock)
		}
	}
}

// Merged files come in order of time.
func TestMergeOrder(t *testing.T) {
	files := map[string][]byte{}
	names := "abcdefg"
	for i := range names {
		files[names[i:i+1]] = pcapOf(names[i:i+1], steps(int64(i)*100*ms, 2*second, int64(i+7)*ms)...)
	}
	packets, infos := read(t, Options{}, write(t, files))
	if !slices.IsSortedFunc(packets, func(a, b got) int { return int(a.time - b.time) }) {
		t.Error("packets are not in order of time")
	}
	checkMerged(t, packets, infos)
	if last := infos[len(infos)-1].Vantage; last != 6 {
		t.Errorf("%d vantages, want 7", last+1)
	}
}

// The result does not depend on the order of the paths, nor on whether files
// are packed; a stream among them makes no difference but its name.
func TestMergeIsDeterministic(t *testing.T) {
	contents := map[string][]byte{
		"cap.pcap": pcapOf("0", steps(0, second, ms)...), "cap.pcap1": pcapOf("1", steps(second, 2*second, ms)...),
		"cap.pcap2": pcapOf("2", steps(2*second, 3*second, ms)...), "other": pcapOf("o", steps(second/2, 5*second/2, ms)...),
		"same1": pcapOf("s", 4*second), "same2": pcapOf("s", 4*second), "late": pcapOf("l", 4*second, 4*second),
	}
	dir := write(t, contents)
	var paths []string
	for name := range contents {
		paths = append(paths, filepath.Join(dir, name))
	}
	slices.Sort(paths)
	want, _ := read(t, Options{}, paths...)
	random := rand.New(rand.NewPCG(1, 2))
	for range 20 {
		random.Shuffle(len(paths), func(i, j int) { paths[i], paths[j] = paths[j], paths[i] })
		if packets, _ := read(t, Options{}, paths...); !slices.Equal(packets, want) {
			t.Fatalf("another result for %v", paths)
		}
	}
	for _, p := range packers {
		files := map[string][]byte{}
		for name, data := range contents {
			files[name] = pack(t, p.name, data)
		}
		if packets, _ := read(t, Options{}, write(t, files)); !slices.Equal(packets, want) {
			t.Errorf("another result for %s", p.name)
		}
	}
}

func TestMergeWithStream(t *testing.T) {
	dir := write(t, map[string][]byte{"a": pcapOf("a", steps(0, second, ms)...), "c": pcapOf("c", steps(2*second, 3*second, ms)...)})
	f := strings.NewReader(string(pcapOf("-", steps(second, 2*second, ms)...)))
	packets, infos := read(t, Options{Stdin: f}, dir, "-")
	checkMerged(t, packets, infos)
	if len(packets) != 3003 || infos[1].Name != "-" || infos[2].Vantage != 0 {
		t.Errorf("%d packets, files %+v", len(packets), infos)
	}
}

// A damaged file among rotated ones does not keep the others from being read.
func TestMergeDamaged(t *testing.T) {
	middle := pcapOf("c1", steps(second, 2*second, ms)...)
	dir := write(t, map[string][]byte{"c0": pcapOf("c0", steps(0, second-1, ms)...), "c1": middle[:len(middle)-5], "c2": pcapOf("c2", steps(3*second, 4*second, ms)...)})
	packets, infos := read(t, Options{}, dir)
	checkMerged(t, packets, infos)
	if len(packets) != 1000+1000+1001 || len(infos[1].Problems) != 1 || infos[1].Problems[0].Kind != CutShort || infos[2].Vantage != 0 {
		t.Errorf("%d packets, %+v", len(packets), infos[1])
	}
}

// Only the files that are being read are open.
func TestManyFiles(t *testing.T) {
	files := map[string][]byte{}
	for i := range 300 {
		from := int64(i) * second
		files[fmt.Sprintf("cap_%05d.pcap", i)] = pcapOf("x", from, from+second/2, from+second)
	}
	s, err := Open(context.Background(), []string{write(t, files)}, Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	m := s.(*merge)
	var p Packet
	n := 0
	for ; s.Next(&p) == nil; n++ {
		if len(m.open) > 1 || len(m.vantages) > 1 || len(m.buffers) > 1 {
			t.Fatalf("%d files open, %d vantages, %d free buffers", len(m.open), len(m.vantages), len(m.buffers))
		}
	}
	if n != 900 {
		t.Errorf("%d packets", n)
	}
}

func TestFamily(t *testing.T) {
	for _, c := range []struct {
		a, b string
		same bool
	}{
		{"cap.pcap", "cap.pcap1", true},
		{"cap.pcap", "cap.pcap12.gz", false},
		{"d/cap_00001_20261120100000.pcapng", "d/cap_00002_20261120110000.pcapng", true},
		{"t-2026-11-20.pcap", "t-2026-11-21.pcap", true},
		{"x.client.0.pcap", "x.client.1.pcap", true},
		{"client.pcap", "server.pcap", false},
		{"a/cap.pcap", "b/cap.pcap", false},
		{"host1/cap.pcap", "host2/cap.pcap", false},
	} {
		if got := familyOf(c.a) == familyOf(c.b); got != c.same {
			t.Errorf("%s and %s: %t, families %q and %q", c.a, c.b, got, familyOf(c.a), familyOf(c.b))
		}
	}
}

func TestNatural(t *testing.T) {
	names := []string{"", "a", "a1", "a2", "a02b", "a10", "b", "cap.pcap", "cap.pcap1", "cap.pcap9", "cap.pcap10", "d-2026-9-1", "d-2026-10-01"}
	for i, a := range names {
		for j, b := range names {
			if c := natural(a, b); (c < 0) != (i < j) || (c > 0) != (i > j) {
				t.Errorf("natural(%q, %q) = %d", a, b, c)
			}
		}
	}
}
