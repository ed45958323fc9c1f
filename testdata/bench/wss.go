package main

import (
	"bufio"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha1"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/big"
	mrand "math/rand/v2"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"time"
)

// wssSums is what a capture of wss holds, written beside it.
type wssSums struct {
	Connections int
	Messages    [2]int64 // from the client, from the server
	Records     []recordKind
	End         int64 // time of the last packet, µs
}

// recordKind counts the encrypted records of one suite and size.
type recordKind struct {
	ChaCha, TLS13 bool
	Length        int // of the record with its header
	Count         int64
}

// makeWSS makes a capture of real TLS connections: half its bytes AES-128-GCM
// and half ChaCha20-Poly1305, each with TLS 1.2 and 1.3, small frames and large.
// Go chooses AES for TLS 1.3 where the processor has instructions for it, so
// the ChaCha20 half is made by a process that is told there are none.
func (o *options) makeWSS(ctx context.Context, s *subject) error {
	for _, name := range []string{s.keylog, s.sums} {
		os.Remove(name)
	}
	for _, half := range []struct{ suite, env string }{{"aes", ""}, {"chacha", "GODEBUG=cpu.aes=off"}} {
		size := o.size / 2
		if half.suite == "chacha" {
			size = o.size
		}
		cmd := exec.CommandContext(ctx, o.self, "child-wss", s.file, s.keylog, s.sums, half.suite, strings.TrimPrefix(s.preset, "decrypt"), strconv.FormatInt(size, 10))
		cmd.Env = append(os.Environ(), half.env)
		var text strings.Builder
		cmd.Stderr = &text
		if err := cmd.Run(); err != nil {
			return fmt.Errorf("%w: %s", err, lastLine(text.String()))
		}
	}
	return nil
}

const (
	wssConnections = 16 // of each half
	smallFrame     = 100
	largeFrame     = 16<<10 - 8 // with the longest header of the two sides one TLS record
	// smallRounds small frames take about the bytes in the file of one large one.
	smallRounds = 72
)

// wssChild appends one half to a capture of wss:
// CAPTURE KEYLOG SUMS SUITE small|large|"" SIZE.
func wssChild(args []string) error {
	if len(args) != 6 {
		return errors.New("child-wss CAPTURE KEYLOG SUMS SUITE KIND SIZE")
	}
	size, err := strconv.ParseInt(args[5], 10, 64)
	if err != nil {
		return err
	}
	m := &wssMaker{chacha: args[3] == "chacha", kind: args[4], counts: map[recordKind]int64{}}
	if err := m.open(args[0], args[1], args[2]); err != nil {
		return err
	}
	var list []*wssConn
	for i := range wssConnections {
		c, err := m.connect(i)
		if err != nil {
			return err
		}
		list = append(list, c)
	}
	for m.written < size && m.err == nil {
		m.round(list, size)
	}
	for _, c := range list {
		m.close(c)
	}
	return m.finish(args[2])
}

// wssMaker makes the capture.
type wssMaker struct {
	chacha  bool
	kind    string
	file    *os.File
	keys    *os.File
	w       *bufio.Writer
	packets packets
	written int64
	err     error
	sums    wssSums
	counts  map[recordKind]int64
	cert    tls.Certificate
	text    []byte
	frame   []byte
}

func (m *wssMaker) open(capture, keylog, sums string) (err error) {
	if text, err := os.ReadFile(sums); err == nil {
		if err := json.Unmarshal(text, &m.sums); err != nil {
			return err
		}
	}
	if m.file, err = os.OpenFile(capture, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600); err != nil {
		return err
	}
	if m.keys, err = os.OpenFile(keylog, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600); err != nil {
		return err
	}
	at, err := m.file.Seek(0, io.SeekEnd)
	if err != nil {
		return err
	}
	m.written, m.w = at, bufio.NewWriterSize(m.file, 1<<20)
	m.packets = packets{now: max(m.sums.End, 1705309200e6), emit: m.write}
	if at == 0 {
		m.write(pcapHeader())
	}
	for len(m.text) < 1<<20 {
		m.text = append(m.text, fmt.Sprintf(`{"symbol":"A%d","price":%d.25,"quantity":%d},`, mrand.IntN(500), mrand.IntN(1e5), mrand.IntN(1e4))...)
	}
	m.cert, err = certificate()
	return err
}

func (m *wssMaker) write(b []byte) {
	if _, err := m.w.Write(b); err != nil && m.err == nil {
		m.err = err
	}
	m.written += int64(len(b))
}

func (m *wssMaker) finish(sums string) error {
	for k, n := range m.counts {
		k.Count = n
		m.sums.Records = append(m.sums.Records, k)
	}
	m.sums.End = m.packets.now + 1e6
	text, err := json.Marshal(m.sums)
	if err != nil {
		return err
	}
	return errors.Join(m.err, m.w.Flush(), m.file.Close(), m.keys.Close(), os.WriteFile(sums, text, 0o600))
}

// wssConn is a WebSocket in TLS with both its ends.
type wssConn struct {
	wire  *wire
	ends  [2]*tls.Conn // client, server
	large bool
}

// connect opens TCP, TLS and the WebSocket.
func (m *wssMaker) connect(i int) (*wssConn, error) {
	c := &wssConn{wire: newWire(&m.packets, 40000+m.sums.Connections), large: m.kind == "large" || m.kind == "" && i%4 >= 2}
	version, suite := uint16(tls.VersionTLS12), tls.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256
	if i%2 == 1 {
		version, suite = tls.VersionTLS13, tls.TLS_AES_128_GCM_SHA256
	}
	if m.chacha {
		suite = map[uint16]uint16{tls.VersionTLS12: tls.TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256, tls.VersionTLS13: tls.TLS_CHACHA20_POLY1305_SHA256}[version]
	}
	config := &tls.Config{ServerName: "app.test", InsecureSkipVerify: true, MinVersion: version, MaxVersion: version, CipherSuites: []uint16{suite},
		KeyLogWriter: m.keys, Certificates: []tls.Certificate{m.cert}, DynamicRecordSizingDisabled: true, SessionTicketsDisabled: true}
	server := config.Clone()
	server.KeyLogWriter = nil
	c.ends = [2]*tls.Conn{tls.Client(c.wire.ends[0], config), tls.Server(c.wire.ends[1], server)}
	failed := make(chan error, 1)
	go func() { failed <- c.ends[1].Handshake() }()
	err := c.ends[0].Handshake()
	if err = errors.Join(err, <-failed); err != nil {
		return nil, err
	}
	if got := c.ends[0].ConnectionState().CipherSuite; got != suite {
		return nil, fmt.Errorf("TLS chose %s instead of %s", tls.CipherSuiteName(got), tls.CipherSuiteName(suite))
	}
	kind := recordKind{ChaCha: m.chacha, TLS13: version == tls.VersionTLS13}
	c.wire.established(func(n int) { kind.Length = n; m.counts[kind]++ })
	key := base64.StdEncoding.EncodeToString(m.text[i : i+16])
	sum := sha1.Sum([]byte(key + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"))
	m.say(c, 0, fmt.Appendf(nil, "GET /feed HTTP/1.1\r\nHost: app.test\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"+
		"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: %s\r\n\r\n", key))
	m.say(c, 1, fmt.Appendf(nil, "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"+
		"Sec-WebSocket-Accept: %s\r\n\r\n", base64.StdEncoding.EncodeToString(sum[:])))
	m.sums.Connections++
	return c, nil
}

// say sends bytes as one TLS record in segments of their own.
func (m *wssMaker) say(c *wssConn, side int, b []byte) {
	if _, err := c.ends[side].Write(b); err != nil && m.err == nil {
		m.err = err
	}
	c.wire.flush(side)
}

// round lets each connection of small frames send many and each of large one.
func (m *wssMaker) round(list []*wssConn, size int64) {
	for n := range smallRounds {
		for _, c := range list {
			if m.written >= size || c.large && n > 0 {
				continue
			}
			side, length := 1, smallFrame
			if mrand.IntN(10) < 3 {
				side = 0
			}
			if c.large {
				length = largeFrame
			}
			m.message(c, side, 0x81, length)
		}
	}
}

// message sends a text frame, in a record of its own. One small frame in seven
// has company in its segment, as when a sender writes several at once.
func (m *wssMaker) message(c *wssConn, side int, first byte, length int) {
	n := 1
	if length == smallFrame && mrand.IntN(7) == 0 {
		n += 1 + mrand.IntN(5)
	}
	for range n {
		at := mrand.IntN(len(m.text) - length)
		m.frame = appendFrame(m.frame[:0], first, side == 0, m.text[at:at+length])
		if _, err := c.ends[side].Write(m.frame); err != nil && m.err == nil {
			m.err = err
		}
		m.sums.Messages[side]++
	}
	c.wire.flush(side)
}

// close ends the WebSocket with 1000, then TLS and TCP.
func (m *wssMaker) close(c *wssConn) {
	for side := range 2 {
		m.say(c, side, appendFrame(nil, 0x88, side == 0, []byte{1000 >> 8, 1000 & 0xff}))
	}
	for side := 1; side >= 0; side-- {
		if err := c.ends[side].CloseWrite(); err != nil && m.err == nil {
			m.err = err
		}
		c.wire.flush(side)
		c.wire.end(side)
	}
}

// appendFrame appends one WebSocket frame (RFC 6455 section 5.2).
func appendFrame(b []byte, first byte, masked bool, payload []byte) []byte {
	maskBit := byte(0)
	if masked {
		maskBit = 0x80
	}
	if n := len(payload); n < 126 {
		b = append(b, first, maskBit|byte(n))
	} else {
		b = append(b, first, maskBit|126, byte(n>>8), byte(n))
	}
	if !masked {
		return append(b, payload...)
	}
	var key [4]byte
	binary.LittleEndian.PutUint32(key[:], mrand.Uint32())
	b = append(b, key[:]...)
	for i, c := range payload {
		b = append(b, c^key[i&3])
	}
	return b
}

// certificate makes one for app.test that signs itself.
func certificate() (tls.Certificate, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return tls.Certificate{}, err
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), DNSNames: []string{"app.test"},
		NotBefore: time.Unix(1704000000, 0), NotAfter: time.Unix(2000000000, 0)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, err
}
