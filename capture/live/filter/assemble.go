package filter

import (
	"fmt"

	"golang.org/x/net/bpf"
)

// maxInstructions is BPF_MAXINSNS of Linux; longer programs are refused.
const maxInstructions = 4096

// label is a place in a program, to be jumped to from in front of it.
type label int

// item is an instruction, or a jump to labels.
type item struct {
	ins    bpf.Instruction
	jump   bool // to yes if cond holds, else to no
	always bool // to yes
	cond   bpf.JumpTest
	k      uint32
	useX   bool
	yes    label
	no     label
}

// assembler collects a program. Labels stand in front of the item that is
// added next.
type assembler struct {
	items  []item
	places []int // of labels: the index of an item, -1 while not placed
}

func (a *assembler) label() label {
	a.places = append(a.places, -1)
	return label(len(a.places) - 1)
}

func (a *assembler) place(l label) { a.places[l] = len(a.items) }

func (a *assembler) add(list ...bpf.Instruction) {
	for _, ins := range list {
		a.items = append(a.items, item{ins: ins})
	}
}

func (a *assembler) jump(to label) { a.items = append(a.items, item{always: true, yes: to}) }

// test compares A with k.
func (a *assembler) test(cond bpf.JumpTest, k uint32, yes, no label) {
	a.items = append(a.items, item{jump: true, cond: cond, k: k, yes: yes, no: no})
}

// testX compares A with X.
func (a *assembler) testX(cond bpf.JumpTest, yes, no label) {
	a.items = append(a.items, item{jump: true, cond: cond, useX: true, yes: yes, no: no})
}

// oneOf goes to yes if A is in the list.
func (a *assembler) oneOf(list []uint32, yes, no label) {
	for i, k := range list {
		if i == len(list)-1 {
			a.test(bpf.JumpEqual, k, yes, no)
			return
		}
		more := a.label()
		a.test(bpf.JumpEqual, k, yes, more)
		a.place(more)
	}
}

// assemble lays the program out. A conditional jump reaches 255 instructions
// far; one that has to go further becomes a jump over two long ones.
func (a *assembler) assemble() ([]bpf.RawInstruction, error) {
	long := make([]bool, len(a.items))
	var at []int
	for changed := true; changed; {
		at = a.offsets(long)
		changed = false
		for i, it := range a.items {
			if it.jump && !long[i] && (a.skip(at, i, it.yes) > 255 || a.skip(at, i, it.no) > 255) {
				long[i], changed = true, true
			}
		}
	}
	if n := at[len(at)-1]; n > maxInstructions {
		return nil, fmt.Errorf("the filter takes %d instructions and kernels accept %d: make it shorter, perhaps with net or portrange", n, maxInstructions)
	}
	var program []bpf.Instruction
	for i, it := range a.items {
		program = append(program, a.emit(at, i, it, long[i])...)
	}
	return bpf.Assemble(program)
}

// offsets gives where each item starts, and the length of the program.
func (a *assembler) offsets(long []bool) []int {
	at := make([]int, len(a.items)+1)
	for i := range a.items {
		size := 1
		if long[i] {
			size = 3
		}
		at[i+1] = at[i] + size
	}
	return at
}

// skip is how many instructions lie between item i, if short, and a label.
func (a *assembler) skip(at []int, i int, to label) int { return at[a.places[to]] - at[i] - 1 }

func (a *assembler) emit(at []int, i int, it item, long bool) []bpf.Instruction {
	switch {
	case it.always:
		return []bpf.Instruction{bpf.Jump{Skip: uint32(a.skip(at, i, it.yes))}}
	case !it.jump:
		return []bpf.Instruction{it.ins}
	case !long:
		return []bpf.Instruction{it.condition(uint8(a.skip(at, i, it.yes)), uint8(a.skip(at, i, it.no)))}
	}
	return []bpf.Instruction{
		it.condition(0, 1),
		bpf.Jump{Skip: uint32(a.skip(at, i, it.yes) - 1)},
		bpf.Jump{Skip: uint32(a.skip(at, i, it.no) - 2)},
	}
}

func (it item) condition(yes, no uint8) bpf.Instruction {
	if it.useX {
		return bpf.JumpIfX{Cond: it.cond, SkipTrue: yes, SkipFalse: no}
	}
	return bpf.JumpIf{Cond: it.cond, Val: it.k, SkipTrue: yes, SkipFalse: no}
}
