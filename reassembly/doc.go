// Package reassembly follows TCP connections: it tells packets of one
// connection from those of another, records what happened to them (handshake,
// retransmissions, resets, zero windows, ICMP errors, gaps, ...) as facts with
// packet numbers, and hands the bytes of both directions on in order.
//
// Most callers need only New, Table.Packet and Table.Close, and a Handler.
// Facts are read from the Flow that the handler is given; they are complete
// when Closed is called. Nothing is judged here.
//
// Time is capture time throughout: what a Table does depends on the packets of
// a connection alone, never on when its timers ran or on other connections,
// unless a limit is reached, which is recorded.
package reassembly
