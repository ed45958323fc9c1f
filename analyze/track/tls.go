package track

import (
	"bytes"
	"slices"
	"time"

	"github.com/wsleuth/wsleuth/analyze/decrypt"
	"github.com/wsleuth/wsleuth/analyze/record"
	"github.com/wsleuth/wsleuth/analyze/wire/http1"
	"github.com/wsleuth/wsleuth/analyze/wire/tls"
	"github.com/wsleuth/wsleuth/reassembly"
)

// maxTLSAlerts bounds the alerts kept of a connection.
const maxTLSAlerts = 8

// smallRecord is the longest record that counts as small: most messages of
// most WebSockets, and every Ping.
const smallRecord = 256

// unknownLoss is what a layer inside TLS is told of a gap: more bytes than any
// message has, for the true number cannot be known.
const unknownLoss = int64(1) << 40

// tlsLayer follows TLS records and reads what is inside where keys fit.
type tlsLayer struct {
	decrypt.NoSink
	session  *decrypt.Session
	startLen [2]uint8
	from     reassembly.Side
	at       record.Ref
	outer    *slot
	inner    slot

	hello, answer      record.Ref
	chain, clientChain record.Ref
	closeNotify        [2]record.Ref
	alerts             []record.TLSAlert
	notTLS             []byte
	notTLSAt           record.Ref
	notTLSDir          record.Dir
	start              [2][32]byte // the first bytes of each direction
	sealed, lastSealed [2]record.Ref
	small, records     [2]int64
	sealedData, read   [2]bool // application data that was not opened, and some after 0-RTT that was
	turns, pairs       int64
	firstData, data0   record.Ref // first and last application record
	lastDir            record.Dir
	paused             bool // the last record came after a pause
	like               likeness
	origin             [2]origin
	wantedKeys         int  // how much was held when keys were asked for
	asked              bool // the client's first application data came
}

func newTLSLayer(s *slot) *tlsLayer {
	t := s.conn.t
	o := decrypt.Options{Resumptions: t.resumptions, Follow: t.o.Follow != nil, Held: t.held}
	if s.tls == nil { // otherwise what is fed lies there
		o.Scratch = t.scratch
	}
	if o.Follow || t.o.Keys.Len() > 0 {
		f := s.conn.flow
		o.Scope = f.Addr(f.Client).Addr().String() + " " + f.Addr(f.Client.Other()).Addr().String()
	}
	l := &tlsLayer{outer: s, session: decrypt.NewSession(t.o.Keys, o)}
	l.inner = slot{conn: s.conn, scheme: schemeWSS, depth: s.depth + 1, tls: l}
	l.inner.layer = &opening{}
	s.conn.rare().tls = l
	return l
}

func (l *tlsLayer) data(s *slot, from reassembly.Side, at record.Ref, b []byte) {
	d := s.conn.dir(from)
	if have := l.startLen[d]; int(have) < len(l.start[d]) {
		l.startLen[d] += uint8(copy(l.start[d][have:], b))
	}
	if l.session.Pass(decrypt.Dir(d), b) {
		l.origin[d].end += int64(len(b))
		return
	}
	l.at, l.from, l.outer = at, from, s
	if !l.session.Keyless() { // bytes may have to wait for keys, or for the other side's hello
		if l.session.Held() == 0 {
			l.origin[d].pieces = l.origin[d].pieces[:0]
		}
		l.origin[d].add(at, len(b))
		if l.session.Held() >= l.wantedKeys+askEvery {
			l.ask(s)
		}
	}
	l.session.Feed(decrypt.Dir(d), b, l)
}

func (l *tlsLayer) missing(s *slot, from reassembly.Side, at record.Ref, n int64) {
	d := s.conn.dir(from)
	l.at, l.from = at, from
	l.origin[d].gap(n)
	l.session.Gap(decrypt.Dir(d), n, l)
	if l.session.State().Decrypted() {
		l.inner.layer.missing(&l.inner, from, at, unknownLoss)
	}
}

func (l *tlsLayer) end(s *slot, from reassembly.Side, at record.Ref) {
	l.ask(s)
	l.at, l.from = at, from
	l.session.End(decrypt.Dir(s.conn.dir(from)), l)
	l.inner.layer.end(&l.inner, from, at)
}

func (l *tlsLayer) close(s *slot) {
	l.ask(s)
	for _, side := range [2]reassembly.Side{0, 1} {
		l.from = side
		l.session.End(decrypt.Dir(s.conn.dir(side)), l)
	}
	l.inner.layer.close(&l.inner)
}

// askEvery is how much more is held before keys are asked for again.
const askEvery = 64 << 10

// ask looks for keys that have come meanwhile, before what waits for them is
// given up: programs log a key before they use it.
func (l *tlsLayer) ask(s *slot) {
	if follow := s.conn.t.o.Follow; follow != nil && l.session.Held() > 0 {
		follow()
		l.session.Retry(l)
		l.wantedKeys = l.session.Held()
	}
}

// Record implements decrypt.Sink.
func (l *tlsLayer) Record(r decrypt.Record) {
	d := record.Dir(r.Dir)
	l.at = l.origin[d].of(r.Offset+recordHeader+int64(r.Length)-1, l.at)
	if r.Sealed {
		if !l.sealed[d].Seen() {
			l.sealed[d] = l.at
		}
		l.lastSealed[d] = l.at
	}
	if r.Type != tls.ApplicationData || !r.Sealed {
		return
	}
	l.records[d]++
	l.sealedData[d] = l.sealedData[d] || !r.Opened
	l.read[d] = l.read[d] || r.Opened && !r.Early
	if r.Length <= smallRecord {
		l.small[d]++
	}
	if !l.firstData.Seen() {
		l.firstData = l.at
	} else {
		pause := int64(l.at.Time-l.data0.Time) >= minPause
		if d != l.lastDir {
			l.turns++
			if l.paused && !pause && r.Length <= smallRecord {
				l.pairs++
			}
		}
		l.paused = pause && r.Length <= smallRecord
	}
	l.data0, l.lastDir = l.at, d
	if !r.Opened {
		l.dark(d, r.Length)
	}
}

// dark takes a record of application data that was not opened. One that may be
// an alert counts as data only when another one of its sender follows: in TLS
// 1.3 a close_notify must not seem to end a silence.
func (l *tlsLayer) dark(d record.Dir, length int) {
	st := l.session.State()
	l.like.see(st, d, length, l.at)
	if held := l.like.alerts[d]; held.Seen() && held.Time >= l.outer.conn.last.time {
		l.outer.conn.touch(d, held)
	}
	l.like.alerts[d] = record.Ref{}
	if st.Version == tls.TLS13 && length == alertLength+int(l.like.overhead) && l.like.overhead > 0 {
		l.like.alerts[d] = l.at
		return
	}
	l.outer.conn.touch(d, l.at)
}

// Handshake implements decrypt.Sink.
func (l *tlsLayer) Handshake(r decrypt.Record, m tls.Message) {
	switch m.Type {
	case tls.TypeClientHello:
		if !l.hello.Seen() {
			l.hello = l.at
		}
	case tls.TypeServerHello:
		if !l.answer.Seen() {
			l.answer = l.at
		}
	case tls.TypeCertificate:
		if r.Dir == decrypt.Server && !l.chain.Seen() {
			l.chain = l.at
		}
		if r.Dir == decrypt.Client && !l.clientChain.Seen() {
			l.clientChain = l.at
		}
	}
}

// Alert implements decrypt.Sink.
func (l *tlsLayer) Alert(_ decrypt.Record, a decrypt.AlertFact) {
	d := record.Dir(a.Dir)
	if !a.Opaque && a.Alert.Description == tls.CloseNotify {
		if !l.closeNotify[d].Seen() {
			l.closeNotify[d] = l.at
		}
		return
	}
	if len(l.alerts) < maxTLSAlerts {
		fact := record.TLSAlert{Ref: l.at, Dir: d, Encrypted: a.Encrypted, Opaque: a.Opaque}
		if !a.Opaque {
			fact.Code, fact.Name = uint8(a.Alert.Description), a.Alert.Description.String()
			// "user_canceled: This alert notifies the recipient that the sender is
			// canceling the handshake" (RFC 8446, section 6.1): then it ends it.
			st := l.session.State()
			canceled := a.Alert.Description == tls.UserCanceled && st.HandshakeDone() == decrypt.Unknown
			fact.Fatal = a.Alert.Ends(st.Version) || canceled
		}
		l.alerts = append(l.alerts, fact)
	}
}

// ApplicationData implements decrypt.Sink.
func (l *tlsLayer) ApplicationData(r decrypt.Record, b []byte) {
	side := l.outer.conn.side(record.Dir(r.Dir))
	if r.Dir == decrypt.Client && !l.asked {
		l.asked = true
		if _, h2 := l.inner.layer.(*h2Layer); h2 && http1.Looks(b) == http1.Yes && !bytes.HasPrefix(b, []byte("PRI ")) {
			// The server speaks HTTP/2, as ALPN may have told it, and the client does not.
			l.inner.layer = newHTTPLayer(l.outer.conn.t)
		}
	}
	l.inner.layer.data(&l.inner, side, l.at, b)
}

// Problem implements decrypt.Sink.
func (l *tlsLayer) Problem(p decrypt.Problem) {
	if p.Kind == decrypt.LostRecords && l.session.State().Decrypted() {
		l.inner.layer.missing(&l.inner, l.outer.conn.side(record.Dir(p.Dir)), l.at, unknownLoss)
	}
	if p.Kind == decrypt.NotTLS && l.notTLS == nil {
		d := record.Dir(p.Dir)
		l.notTLS, l.notTLSAt, l.notTLSDir = l.start[d][:l.startLen[d]], l.at, d
	}
}

// failed tells whether the TLS handshake did not come to its end, as far as
// can be seen.
func (l *tlsLayer) failed() bool {
	st := l.session.State()
	for i := range l.alerts {
		if a := &l.alerts[i]; a.Fatal && st.Sides[decrypt.Server].DataRecords == 0 && !l.afterwards(a) {
			return true
		}
	}
	return l.notTLS != nil || st.HandshakeDone() == decrypt.Unknown
}

// afterwards: the alert complains of the other side's FIN without close_notify,
// for which OpenSSL has decode_error, and so ended nothing.
func (l *tlsLayer) afterwards(a *record.TLSAlert) bool {
	c := l.outer.conn
	fin := c.flow.Half(c.side(a.Dir.Other())).FIN
	return tls.AlertDescription(a.Code) == tls.DecodeError && fin.Seen() && fin.Time <= int64(a.Ref.Time)
}

// lastWord: a warning was the last that its sender said before it ended a
// handshake that is not complete: "Whenever an implementation encounters a
// condition which is defined as a fatal alert, it MUST send the appropriate
// alert" (RFC 5246, section 7.2.2), and some name it a warning.
func (l *tlsLayer) lastWord(a *record.TLSAlert) bool {
	h := l.outer.conn.flow.Half(l.outer.conn.side(a.Dir))
	return !a.Opaque && h.FIN.Seen() && h.LastData.Packet == a.Ref.Packet && l.session.State().HandshakeDone() == decrypt.Unknown
}

// complaints are the alerts that are not an answer to the end.
func (l *tlsLayer) complaints() []record.TLSAlert {
	for i := range l.alerts {
		if a := &l.alerts[i]; !a.Fatal && l.lastWord(a) {
			a.Fatal = true
		}
	}
	for i := range l.alerts {
		if l.afterwards(&l.alerts[i]) {
			return slices.DeleteFunc(slices.Clone(l.alerts), func(a record.TLSAlert) bool { return l.afterwards(&a) })
		}
	}
	return l.alerts
}

// parting is where a side first said that it goes: by close_notify, or an
// alert that cannot be read, or FIN.
func (l *tlsLayer) parting(f *reassembly.Flow, d record.Dir) record.Ref {
	at := l.closeNotify[d]
	for i := range l.alerts {
		if a := &l.alerts[i]; a.Opaque && a.Dir == d && !at.Seen() {
			at = a.Ref
		}
	}
	if fin := f.Half(l.outer.conn.side(d)).FIN; fin.Seen() && (!at.Seen() || ref(fin).Before(at)) {
		at = ref(fin)
	}
	return at
}

// saidSo: a side said that the handshake failed, by an alert or by an answer
// that is not TLS.
func (l *tlsLayer) saidSo() bool {
	for i := range l.alerts {
		if l.alerts[i].Fatal && !l.afterwards(&l.alerts[i]) {
			return true
		}
	}
	return l.notTLS != nil
}

// lossy: the capture lacks bytes of the flow that were there.
func lossy(f *reassembly.Flow) bool {
	if f.Rare == nil {
		return false
	}
	for i := range f.Rare.Gaps {
		if f.Rare.Gaps[i].Kind != reassembly.GapUnfilled {
			return true
		}
	}
	return f.Rare.CutShort > 0
}

// promptly is how soon a client leaves that checks the certificate after the
// handshake and refuses it; one that opened a connection in advance and never
// used it waits longer.
const promptly = 200 * time.Millisecond

// answers is how soon a FIN follows that answers what may have been a
// close_notify and cannot be read.
const answers = time.Second

// whoEnded corrects who ended the connection: "Each party MUST send a
// close_notify alert before closing its write side of the connection" (RFC
// 8446, section 6.1), and one that waits for the other's in turn sends its FIN
// last.
func (l *tlsLayer) whoEnded(t *record.TCPFacts) {
	if t.EndHow != "fin" && t.EndHow != "rst" {
		return
	}
	said := [2]record.Ref{l.closeNotify[0], l.closeNotify[1]}
	for d := range said {
		if at := l.like.alerts[d]; at.Seen() && !said[d].Seen() && t.End.Time.Sub(at.Time) < answers {
			said[d] = at
		}
	}
	for i := range l.alerts {
		if a := &l.alerts[i]; a.Opaque && !said[a.Dir].Seen() {
			said[a.Dir] = a.Ref
		}
	}
	by := t.EndBy.Other()
	if at := said[by]; at.Seen() && at.Before(t.End) && (!said[t.EndBy].Seen() || at.Before(said[t.EndBy])) {
		t.End, t.EndBy, t.EndHow, t.Notified = at, by, "fin", true
	}
}

// longestAlert is more than any encrypted alert has below TLS 1.3: 2 bytes, a
// MAC of up to 48, an IV of 16 and padding to the next 16.
const longestAlert = 96

// leftUnused: the client completed the handshake and left at once without a
// byte, as one does that refuses the certificate afterwards; below TLS 1.3 the
// outside of the records shows it, too. Browsers leave a second HTTP/2
// connection to the same server in the same way: they need one only.
func (l *tlsLayer) leftUnused(f *reassembly.Flow) bool {
	st := l.session.State()
	client, server := l.parting(f, record.Client), l.parting(f, record.Server)
	gone := client.Seen() && (!server.Seen() || client.Before(server))
	finished := l.sealed[record.Client]
	if finished.Before(l.sealed[record.Server]) {
		finished = l.sealed[record.Server]
	}
	if c := &st.Sides[decrypt.Client]; st.Version < tls.TLS13 && (c.Sealed > 2 || c.Sealed == 2 && c.LastSealed > longestAlert) {
		return false // more than Finished and an alert, though no key opens it
	}
	if st.Keys == decrypt.KeysDoNotFit || st.Keys == decrypt.KeysUndecided {
		return false // what came was no longer looked at
	}
	soon := client.Time.Sub(finished.Time) < promptly+handshakeRTT(f)
	told := st.Decrypted() || st.Version != 0 && st.Version < tls.TLS13 && st.HandshakeDone() != decrypt.Unknown
	return gone && soon && st.ALPN != "h2" && told && st.Sides[decrypt.Client].DataRecords == 0 && st.Sides[decrypt.Server].DataRecords == 0
}

// recordSizeLimit is an extension that Firefox sends (RFC 8449).
const recordSizeLimit = tls.Extension(28)

// leftAtH2: the server selected HTTP/2 and began it, and the client, which
// offered HTTP/1.1 as well, left without a byte: one that speaks HTTP/1.1 only
// cannot read that. Browsers leave a connection that they do not need likewise,
// and they are known by their hello.
func (l *tlsLayer) leftAtH2(f *reassembly.Flow) bool {
	st := l.session.State()
	if st.ALPN != "h2" || st.ClientHello == nil || !slices.Contains(st.ClientHello.ALPN, "http/1.1") {
		return false
	}
	for _, x := range st.ClientHello.Extensions {
		if tls.IsGREASE(uint16(x)) || x == recordSizeLimit {
			return false
		}
	}
	client, server := l.parting(f, record.Client), l.parting(f, record.Server)
	told := st.Decrypted() || st.Version < tls.TLS13
	soon := client.Time.Sub(ref(f.Half(f.Client.Other()).LastData).Time) < promptly+handshakeRTT(f)
	return told && st.HandshakeDone() != decrypt.Unknown && client.Seen() && (!server.Seen() || client.Before(server)) && soon &&
		st.Sides[decrypt.Client].DataRecords == 0 && st.Sides[decrypt.Server].DataRecords > 0
}

// closedTLS handles a TLS connection in which no WebSocket was seen.
func (t *Tracker) closedTLS(f *reassembly.Flow, c *conn, order int64, last bool) {
	switch a := c.tls().attempt(f, last); {
	case a == nil:
		t.Other++
	case a.opaque && a.by == byNothing && !t.o.Opaque && (t.o.Apart == nil || !t.o.Apart()):
		t.Opaque++
	default:
		t.o.Emit(t.build(f, c, a, last), order)
	}
}

// attempt is what is to be reported of a TLS connection in which no WebSocket
// was seen; nil if it was read, and is something else.
func (l *tlsLayer) attempt(f *reassembly.Flow, last bool) *attempt {
	switch {
	case (lossy(f) || !l.hello.Seen()) && !l.saidSo() && !l.unanswered(f, last):
		// What is not in the capture may have completed the handshake, and
		// without its beginning what came of it cannot be followed.
	case l.failed() && !halfCaptured(f) && (ended(f) || l.unanswered(f, last)), l.leftUnused(f), l.leftAtH2(f):
		return &attempt{tls: l, scheme: schemeWSS, failed: true}
	}
	if l.session.State().Decrypted() && !(l.unread(record.Client) && l.unread(record.Server)) {
		return nil
	}
	a := &attempt{tls: l, scheme: schemeWSS, opaque: true}
	if _, alike := l.like.alike(l.session.State(), f.Addr(f.Client.Other()).Port()); alike {
		a.by = byTLSFingerprint
	}
	return a
}

// unanswered: the ClientHello was sent and nothing came back for as long as
// the capture lasts, which must be long enough for an answer.
func (l *tlsLayer) unanswered(f *reassembly.Flow, last bool) bool {
	server := f.Half(f.Client.Other())
	if !l.hello.Seen() || server.Bytes > 0 && !l.outer.conn.tunnel().idle() {
		return false
	}
	return !last || l.outer.conn.t.o.End(f.Vantage, ref(f.Last()).Time).Time.Sub(l.hello.Time) >= enoughForAnswer
}

// enoughForAnswer is how long an answer must have been waited for before its
// absence means anything.
const enoughForAnswer = time.Second

// halfCaptured: one direction is not in the capture, and so what was said in it cannot be known.
func halfCaptured(f *reassembly.Flow) bool { return f.Half(0).Packets == 0 || f.Half(1).Packets == 0 }

// facts puts together what rules judge.
func (l *tlsLayer) facts() *record.TLSFacts {
	st := l.session.State()
	certainties := [...]string{"", "likely", "certain"}
	f := &record.TLSFacts{ClientHello: l.hello, ServerHello: l.answer, Hello: st.ClientHello, Answer: st.ServerHello, HelloRetry: st.HelloRetry,
		Chain: st.ServerChain, ClientChain: st.ClientChain, ChainRef: l.chain, ClientChainRef: l.clientChain,
		CertificateRequested: st.CertificateRequested, Resumed: st.Resumed, Complete: certainties[st.HandshakeDone()], ALPN: st.ALPN,
		Alerts: l.complaints(), CloseNotify: l.closeNotify, NotTLS: l.notTLS, NotTLSRef: l.notTLSAt, NotTLSDir: l.notTLSDir,
		Keys: st.Keys.String(), KeysText: st.Unsupported, Decrypted: st.Decrypted(), Small: l.small, Records: l.records, Turns: l.turns,
		Pairs: l.pairs, FirstData: l.firstData, LastAppData: l.data0}
	for i := range st.Problems {
		f.Waited = f.Waited || st.Problems[i].Kind == decrypt.HeldTooMuch && l.outer.conn.t.o.Follow != nil
	}
	if st.Version != 0 {
		f.Version = st.Version.Number()
	}
	if st.CipherSuite != 0 {
		f.CipherSuite = st.CipherSuite.String()
	}
	if st.ClientHello != nil {
		f.SNI, f.ALPNOffered = st.ClientHello.ServerName, st.ClientHello.ALPN
	}
	for d := range f.Sides {
		x := &st.Sides[d]
		f.Sides[d] = record.TLSSide{Records: int64(x.Records), Sealed: int64(x.Sealed), Opened: int64(x.Opened), DataRecords: int64(x.DataRecords),
			DataBytes: int64(x.DataBytes), FirstSealed: int(x.FirstSealed), LastSealed: int(x.LastSealed), FirstSealedRef: l.sealed[d],
			LastSealedRef: l.lastSealed[d], Finished: certainties[x.Finished]}
	}
	f.KeysRef = f.Sides[record.Server].FirstSealedRef
	if client := f.Sides[record.Client].FirstSealedRef; !f.KeysRef.Seen() || client.Seen() && client.Time < f.KeysRef.Time {
		f.KeysRef = client
	}
	for d := range f.LikelyCloseNotify {
		f.LikelyCloseNotify[d] = l.like.alerts[d]
		for i := range l.alerts {
			if a := &l.alerts[i]; a.Opaque && int(a.Dir) == d {
				f.LikelyCloseNotify[d] = a.Ref
			}
		}
	}
	for i := range st.SizeCount {
		f.Sizes = append(f.Sizes, record.TLSSize{Dir: record.Dir(st.Sizes[i].Dir), Length: int(st.Sizes[i].Length)})
	}
	return f
}

// fill adds the TLS session to a record.
func (l *tlsLayer) fill(r *record.Connection, facts *record.Facts) {
	f := l.facts()
	facts.TLS = f
	if confidence, alike := l.like.alike(l.session.State(), r.Server.Port()); alike && !f.Decrypted {
		f.Likeness = l.like.fact(confidence)
	}
	r.TLS = &record.TLS{Version: f.Version, CipherSuite: f.CipherSuite, SNI: f.SNI, ALPNOffered: f.ALPNOffered, ALPN: f.ALPN, Decrypted: f.Decrypted}
	if f.Chain != nil && len(f.Chain.Certificates) > 0 {
		c := f.Chain.Certificates[0]
		r.TLS.Certificate = &record.Certificate{Subject: c.Subject, Issuer: c.Issuer, Names: c.DNSNames, NotBefore: record.Time(c.NotBefore.UnixNano()),
			NotAfter: record.Time(c.NotAfter.UnixNano()), KeyType: c.Key, Packet: f.ChainRef.Packet}
	}
	if r.Host == "" {
		r.Host = f.SNI
	}
}

// unread: this side sent application data, and none of it could be read: a key
// log that is cut short may have the secrets of one side, or those of the
// handshake only.
func (l *tlsLayer) unread(d record.Dir) bool {
	x := &l.session.State().Sides[d]
	return x.Sealed > 0 && (x.Opened == 0 || l.sealedData[d] && !l.read[d])
}

// darken notes that nothing of what a side said could be read, so that nothing
// is missed in it.
func (l *tlsLayer) darken(facts *record.Facts) {
	if !facts.TLS.Decrypted {
		return
	}
	for d := range facts.TLS.Sides {
		if !l.unread(record.Dir(d)) {
			continue
		}
		facts.TLS.Dark[d] = true
		if facts.WS != nil {
			facts.WS.Damaged[d] = true
		}
		if u := facts.Upgrade; u != nil && u.Response == nil && record.Dir(d) == record.Server {
			u.CutByCapture, u.EarlyData = true, 0
		}
	}
}
