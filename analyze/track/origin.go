package track

import "github.com/wsleuth/wsleuth/analyze/record"

// recordHeader is the length of a TLS record's header.
const recordHeader = 5

// maxOrigins bounds the segments remembered of a direction: more than it takes
// to fill what a session holds with all but the smallest ones.
const maxOrigins = 1 << 12

// origin remembers which packets brought the bytes that wait for keys. Its
// zero value knows nothing.
type origin struct {
	pieces []piece
	end    int64 // of the stream
}

func (o *origin) add(at record.Ref, n int) {
	if len(o.pieces) >= maxOrigins {
		o.pieces = append(o.pieces[:0], o.pieces[maxOrigins/2:]...)
	}
	o.pieces = append(o.pieces, piece{o.end, at})
	o.end += int64(n)
}

func (o *origin) gap(n int64) {
	if n < 0 {
		*o = origin{}
		return
	}
	o.end += n
}

// of is the packet that brought the byte at offset; otherwise if that is not
// known. What lies before is forgotten: records come in order.
func (o *origin) of(offset int64, otherwise record.Ref) record.Ref {
	i := 0
	for i < len(o.pieces) && o.pieces[i].offset <= offset {
		i++
	}
	if i == 0 {
		return otherwise
	}
	at := o.pieces[i-1].at
	o.pieces = append(o.pieces[:0], o.pieces[i-1:]...)
	return at
}
