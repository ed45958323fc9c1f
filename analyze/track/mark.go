package track

import "github.com/wsleuth/wsleuth/analyze/record"

// mark is a packed record.Ref: packet numbers up to 2^40, files up to 2^24.
type mark struct {
	time  record.Time
	where uint64
}

func markOf(r record.Ref) mark {
	return mark{r.Time, uint64(uint32(r.File))<<40 | uint64(r.Packet)&(1<<40-1)}
}

func (m *mark) seen() bool { return m.where&(1<<40-1) != 0 }

func (m *mark) ref() record.Ref {
	return record.Ref{Packet: int64(m.where & (1<<40 - 1)), Time: m.time, File: int32(m.where >> 40)}
}
