package link

import (
	"fmt"
	"slices"
	"sync"
)

// MaxEncapsulations bounds the chains of encapsulations that are told apart.
// Those beyond it share one number and one name; Dropped counts their packets.
const MaxEncapsulations = 1 << 16

// otherEncapsulation stands for every chain beyond MaxEncapsulations.
const otherEncapsulation = -1

// kind is a way to wrap a packet.
type kind uint8

const (
	kindVLAN kind = iota
	kindMPLS
	kindPPPoE
	kindGRE
	kindGREKey
	kindIPIP
	kind6in4
	kind4in6
	kind6in6
	kindVXLAN
	kindGeneve
	kindGTP
	kindERSPAN
	kindAH
	kindTZSP
)

var kindNames = [...]string{
	kindVLAN: "vlan %d", kindMPLS: "mpls %d", kindPPPoE: "pppoe %d", kindGRE: "gre", kindGREKey: "gre key %d",
	kindIPIP: "ipip", kind6in4: "6in4", kind4in6: "4in6", kind6in6: "6in6",
	kindVXLAN: "vxlan %d", kindGeneve: "geneve %d", kindGTP: "gtp-u teid %#x", kindERSPAN: "erspan %d", kindAH: "ah", kindTZSP: "tzsp",
}

// plainNames are for values that are left out: see IP.Network.
var plainNames = [...]string{kindMPLS: "mpls", kindGTP: "gtp-u"}

// hop is one encapsulation: what, and which.
type hop struct {
	kind  kind
	plain bool // value is left out
	value uint32
}

// perDirection tells the kinds whose value differs between the directions of
// one connection. RFC 3031, section 2.3: "MPLS labels have local
// significance"; a GTP-U tunnel endpoint identifier belongs to the receiver.
func (k kind) perDirection() bool { return k == kindMPLS || k == kindGTP }

func (h hop) String() string {
	switch {
	case h.plain:
		return plainNames[h.kind]
	case h.kind == kindGRE, h.kind == kindIPIP, h.kind == kind6in4, h.kind == kind4in6, h.kind == kind6in6, h.kind == kindAH, h.kind == kindTZSP:
		return kindNames[h.kind]
	}
	return fmt.Sprintf(kindNames[h.kind], h.value)
}

// node is a chain of encapsulations: one more hop behind its parent.
type node struct {
	parent int32
	hop    hop
}

// names numbers chains of encapsulations in the order of their appearance.
type names struct {
	mu     sync.Mutex // for nodes: numbers are made by one, read by many
	nodes  []node     // nodes[0] is the empty chain
	number map[node]int32
	lumped int64 // packets with otherEncapsulation

	// What was asked for last is what will be asked for next.
	lastVLAN            uint16
	lastVLANID          int32
	lastChain           [MaxLayers]hop
	lastHops            int
	lastFull, lastPlain int32
}

func (n *names) init() {
	n.nodes = make([]node, 1)
	n.number = make(map[node]int32)
}

// vlan is intern for the chain that is one VLAN tag.
func (n *names) vlan(id uint16) int32 {
	if id != n.lastVLAN {
		n.lastVLAN, n.lastVLANID = id, n.behind(0, hop{kind: kindVLAN, value: uint32(id)})
	}
	return n.lastVLANID
}

// intern numbers a chain with all its values, and without those that depend
// on the direction. There a stack of MPLS labels counts as one: the directions
// may differ in its height, too.
func (n *names) intern(chain []hop) (full, plain int32) {
	if slices.Equal(chain, n.lastChain[:n.lastHops]) {
		return n.lastFull, n.lastPlain
	}
	same := true
	for i, h := range chain {
		full = n.behind(full, h)
		if h.kind.perDirection() {
			same = false
			if i > 0 && h.kind == kindMPLS && chain[i-1].kind == kindMPLS {
				continue
			}
			h = hop{kind: h.kind, plain: true}
		}
		if same {
			plain = full
		} else {
			plain = n.behind(plain, h)
		}
	}
	n.lastHops = copy(n.lastChain[:], chain)
	n.lastFull, n.lastPlain = full, plain
	return full, plain
}

func (n *names) behind(parent int32, h hop) int32 {
	if parent == otherEncapsulation {
		return otherEncapsulation
	}
	key := node{parent, h}
	if id, ok := n.number[key]; ok {
		return id
	}
	if len(n.nodes) >= MaxEncapsulations {
		return otherEncapsulation
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	id := int32(len(n.nodes))
	n.nodes = append(n.nodes, key)
	n.number[key] = id
	return id
}

// Encapsulation names the chain with number id (IP.Encapsulation or
// IP.Network), outermost first, like "vlan 20", "vxlan 42"; nil for 0. It may
// be called while another goroutine decodes.
func (d *Decoder) Encapsulation(id int32) []string {
	if id == otherEncapsulation {
		return []string{"other"}
	}
	n := &d.names
	n.mu.Lock()
	defer n.mu.Unlock()
	var chain []string
	for id > 0 && int(id) < len(n.nodes) {
		chain = append(chain, n.nodes[id].hop.String())
		id = n.nodes[id].parent
	}
	slices.Reverse(chain)
	return chain
}
