package live

import (
	"errors"
	"time"

	"github.com/wsleuth/wsleuth/capture"
)

// handle captures on one interface, where the system has no way to capture on
// several at once. Its frames belong to whoever gets them. read is called by
// one goroutine, stats at any time; close makes read return soon.
type handle interface {
	read(*frame) error
	stats() (received, dropped uint64, known bool)
	link() capture.LinkType
	close() error
}

// fanInDepth is how many packets wait between handles and Next.
const fanInDepth = 4096

// fanIn is a backend of several handles, each read by a goroutine.
type fanIn struct {
	handles []handle
	names   []string
	frames  chan frame
	errs    chan error
	done    chan struct{}
	timer   *time.Timer
}

func newFanIn(names []string, handles []handle) *fanIn {
	b := &fanIn{
		handles: handles, names: names, done: make(chan struct{}), timer: time.NewTimer(tickEvery),
		frames: make(chan frame, fanInDepth), errs: make(chan error, len(handles)),
	}
	for i, h := range handles {
		go b.pump(i, h)
	}
	return b
}

func (b *fanIn) pump(index int, h handle) {
	for {
		var f frame
		switch err := h.read(&f); {
		case errors.Is(err, errIdle):
			select {
			case <-b.done:
				return
			default:
				continue
			}
		case err != nil:
			b.errs <- err
			return
		}
		f.index = index
		select {
		case b.frames <- f:
		case <-b.done:
			return
		}
	}
}

func (b *fanIn) read(f *frame) error {
	select {
	case *f = <-b.frames:
		return nil
	default:
	}
	b.timer.Reset(tickEvery)
	select {
	case *f = <-b.frames:
		return nil
	case err := <-b.errs:
		return err
	case <-b.timer.C:
		return errIdle
	}
}

func (b *fanIn) stats() (received, dropped uint64, known bool) {
	known = true
	for _, h := range b.handles {
		r, d, ok := h.stats()
		received, dropped, known = received+r, dropped+d, known && ok
	}
	return received, dropped, known
}

func (b *fanIn) describe(index int) (string, capture.LinkType) {
	return b.names[index], b.handles[index].link()
}

func (b *fanIn) look() {}

func (b *fanIn) close() error {
	close(b.done)
	b.timer.Stop()
	var errs []error
	for _, h := range b.handles {
		errs = append(errs, h.close())
	}
	return errors.Join(errs...)
}

// openEach opens a handle for each interface that is wanted.
func openEach(o Options, open1 func(Interface, Options) (handle, error)) (backend, []string, error) {
	if o.Namespace != "" {
		return nil, nil, errors.New("network namespaces are a thing of Linux: leave --netns out")
	}
	all, err := Interfaces("")
	if err != nil {
		return nil, nil, err
	}
	wanted, err := choose(all, o.Interfaces)
	if err != nil {
		return nil, nil, err
	}
	var names []string
	var handles []handle
	for _, i := range wanted {
		h, err := open1(i, o)
		if err != nil {
			for _, h := range handles {
				h.close()
			}
			return nil, nil, err
		}
		names, handles = append(names, i.Name), append(handles, h)
	}
	return newFanIn(names, handles), names, nil
}

// choose looks names up; Any is every usable interface that is up.
func choose(all []Interface, names []string) ([]Interface, error) {
	if len(names) == 0 {
		name, err := routed(all)
		if err != nil {
			return nil, err
		}
		names = []string{name}
	}
	var wanted []Interface
	for _, name := range names {
		if name == Any {
			wanted = nil
			for _, i := range all {
				if i.Usable && i.Up {
					wanted = append(wanted, i)
				}
			}
			return wanted, nil
		}
		i, err := find(all, name)
		if err != nil {
			return nil, err
		}
		wanted = append(wanted, i)
	}
	return wanted, nil
}
