package analyze

import (
	"fmt"

	"github.com/wsleuth/wsleuth/analyze/record"
	"github.com/wsleuth/wsleuth/analyze/wire/ws/inflate"
	"github.com/wsleuth/wsleuth/capture"
	"github.com/wsleuth/wsleuth/capture/link"
	"github.com/wsleuth/wsleuth/reassembly"
)

// limits counts what was left out because a limit of the program's own was
// reached: such a limit never changes a verdict in silence.
type limits struct {
	letGo      int64 // connections that left the flow table early
	givenUp    int64 // connections with bytes that were no longer waited for
	uninflated int64 // compressed messages
	datagrams  int64 // fragmented ones that made room for others
	lumped     int64 // packets of encapsulations beyond those told apart
	quic       int64 // packets that begin QUIC connections beyond those counted
	stoppedAt  int64 // packets that were read before the user interrupted it
}

// add counts what a connection lacks.
func (l *limits) add(f *record.Facts) {
	if f == nil {
		return
	}
	if f.TCP.GivenUp {
		l.givenUp++
	}
	if f.WS != nil {
		l.uninflated += int64(f.WS.Uninflated)
	}
}

// link counts what the decoder of packets left out.
func (l *limits) link(d link.Dropped) { l.datagrams, l.lumped = d.Evicted, d.Encapsulations }

// stopped notes that the user ended the reading: who gets the report shall know.
func (l *limits) stopped(files []*capture.FileInfo) {
	for _, f := range files {
		l.stoppedAt += f.Packets
	}
}

// sentences says what was left out.
func (l *limits) sentences() (list []string) {
	say := func(n int64, one, many, text string) {
		switch {
		case n == 1:
			list = append(list, "1 "+one+text)
		case n > 1:
			list = append(list, fmt.Sprint(n, " ", many, text))
		}
	}
	say(l.stoppedAt, "packet was", "packets were", " read before the reading was interrupted: what the captures hold beyond them is not in this report.")
	say(l.letGo, "TCP connection was", "TCP connections were", fmt.Sprintf(" not followed to the end: no more than %d are followed at once. Give a capture of fewer hosts (editcap or tcpdump -r with a filter).", reassembly.DefaultFlows))
	say(l.givenUp, "connection has", "connections have", fmt.Sprintf(" bytes that are missing because too many others waited for what came before them (%d MiB each, %d MiB in all).",
		reassembly.DefaultWaitingPerFlow>>20, reassembly.DefaultWaiting>>20))
	say(l.uninflated, "compressed message was", "compressed messages were", fmt.Sprintf(" counted but not inflated, so not checked: the windows of all connections would take more than %d MiB.", inflate.DefaultBudget>>20))
	say(l.datagrams, "fragmented IP packet was", "fragmented IP packets were", fmt.Sprintf(" not put together: no more than %d wait for their fragments at once.", link.MaxDatagrams))
	say(l.lumped, "packet is", "packets are", fmt.Sprintf(" of encapsulations (VLAN, VNI and the like) that are not told apart: no more than %d are.", link.MaxEncapsulations))
	say(l.quic, "packet begins", "packets begin", fmt.Sprintf(" further QUIC connections: no more than %d are counted.", maxQUIC))
	return list
}
