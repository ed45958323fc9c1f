// Package decrypt follows one TLS connection from the bytes of its two
// directions and, where a key log has its secrets, decrypts it: TLS 1.0 to
// 1.3, passively, with what the wire and the key log say and nothing else.
//
// Most callers need only [Keys], filled by [Keys.AddKeyLog] from key log files
// and from the decryption secrets blocks of pcapng files, and for each
// connection a [Session], fed with ordered bytes and gaps. The session reports
// to a [Sink] what comes out, and keeps the facts in a [State].
//
// Without keys a session is an observer: it parses the plaintext handshake,
// then only counts records, without copying or keeping a byte of them.
//
// Every record is authenticated before its plaintext is handed out; keys that
// do not fit are a status, never garbage. Secrets and plaintext are in no
// error and no String method.
package decrypt
