package decrypt

import (
	"strings"
	"testing"
)

// FuzzSession feeds bytes that say how they are cut: each chunk is preceded
// by two bytes, of which the first tells direction and gaps.
func FuzzSession(f *testing.F) {
	var keyLog strings.Builder
	for _, name := range names(f) {
		r := load(f, name)
		keyLog.WriteString(r.keys)
		for _, chunks := range r.connections {
			var seed []byte
			for i, c := range chunks {
				for b := c.data; len(b) > 0; {
					n := min(255, len(b))
					kind := byte(c.dir)
					if i == 7 {
						kind |= 2
					}
					seed = append(append(seed, kind, byte(n)), b[:n]...)
					b = b[n:]
				}
			}
			f.Add(seed)
		}
	}
	keys := &Keys{}
	keys.AddKeyLog(strings.NewReader(keyLog.String()), "seeds")
	f.Fuzz(func(t *testing.T, b []byte) {
		for _, k := range []*Keys{keys, nil} {
			s, c := NewSession(k, Options{Resumptions: &Resumptions{}}), &collector{}
			for rest := b; len(rest) >= 2; {
				d, n := Dir(rest[0]&1), min(int(rest[1]), len(rest)-2)
				switch {
				case rest[0]&6 == 2:
					s.Gap(d, int64(n), c)
				case rest[0]&6 == 4:
					s.Gap(d, -1, c)
				case rest[0]&6 == 6:
					s.End(d, c)
				default:
					s.Feed(d, rest[2:2+n], c)
				}
				rest = rest[2+n:]
			}
			for d := range s.halves {
				if len(s.halves[d].held) > MaxHeld {
					t.Fatalf("%d bytes held", len(s.halves[d].held))
				}
			}
			for d, side := range s.State().Sides {
				if side.Opened+side.Failed > side.Sealed || side.Sealed > side.Records || uint64(c.app[d].Len()) != side.DataBytes {
					t.Fatalf("%s: %+v, %d bytes came out", Dir(d), side, c.app[d].Len())
				}
			}
		}
	})
}
