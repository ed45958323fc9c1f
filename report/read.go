package report

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"github.com/wsleuth/wsleuth/analyze/record"
)

// ErrNotAResult is wrapped by errors of Read about contents.
var ErrNotAResult = errors.New("not a result of wsleuth")

// ErrCut is wrapped by errors of Read about a result that ends in the middle,
// behind some connections: the sink got what was there, and a summary that says so.
var ErrCut = fmt.Errorf("%w: it ends in the middle", ErrNotAResult)

// Read feeds a saved result, JSON or JSON Lines, to a sink, connection by
// connection: it never holds the whole. It gives the tool that made the
// result. Keys and types of lines that it does not know are passed over.
func Read(r io.Reader, sink record.Sink) (record.Tool, error) {
	buffered := bufio.NewReaderSize(r, flushAt)
	lines, err := isLines(buffered)
	if err != nil {
		return record.Tool{}, err
	}
	reader := &resultReader{json: json.NewDecoder(buffered), sink: sink}
	if lines {
		err = reader.lines()
	} else {
		err = reader.document()
	}
	var syntax *json.SyntaxError
	var kind *json.UnmarshalTypeError
	switch {
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		err = reader.cut()
	case errors.As(err, &syntax), errors.As(err, &kind):
		err = fmt.Errorf("%w: byte %d: %w", ErrNotAResult, reader.json.InputOffset(), err)
	}
	if err == nil && reader.schema != record.Schema {
		err = fmt.Errorf("%w: its schema is %q, this version reads %q", ErrNotAResult, Clean(reader.schema), record.Schema)
	}
	return reader.tool, err
}

// isLines tells JSON Lines, whose first object begins with its type, from a document.
func isLines(r *bufio.Reader) (bool, error) {
	head, err := r.Peek(512)
	if err != nil && !errors.Is(err, io.EOF) {
		return false, err
	}
	decoder := json.NewDecoder(bytes.NewReader(head))
	brace, err1 := decoder.Token()
	key, err2 := decoder.Token()
	if err1 != nil || err2 != nil || brace != json.Delim('{') {
		return false, fmt.Errorf("%w: it is not JSON", ErrNotAResult)
	}
	return key == "type", nil
}

type resultReader struct {
	json        *json.Decoder
	sink        record.Sink
	tool        record.Tool
	schema      string
	connections int64
	summed      bool // the summary came
}

// cut ends a result that was cut off.
func (r *resultReader) cut() error {
	if r.schema != record.Schema || r.connections == 0 || r.summed {
		return fmt.Errorf("%w: it ends in the middle", ErrNotAResult)
	}
	return errors.Join(ErrCut, r.sink.Summary(record.Summary{Connections: r.connections,
		Limits: []string{"The saved result ends in the middle: what it held beyond " + plural(r.connections, "connection") + " is not in this report."}}))
}

// made keeps the name of the tool, and tells sinks that write it.
func (r *resultReader) made(by record.Tool) {
	r.tool = by
	if sink, ok := r.sink.(maker); ok {
		sink.Made(by)
	}
}

// maker is a sink that names the tool that made the result.
type maker interface{ Made(by record.Tool) }

func (r *resultReader) lines() error {
	for {
		var line json.RawMessage
		if err := r.json.Decode(&line); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return err
		}
		var head struct {
			Type, Schema, Code string
			Tool               record.Tool
		}
		if err := json.Unmarshal(line, &head); err != nil {
			return err
		}
		decode := func(v any) error { return json.Unmarshal(line, v) }
		switch head.Type {
		case "report":
			r.schema = head.Schema
			r.made(head.Tool)
		case "connection":
			if err := r.connection(decode); err != nil {
				return err
			}
		default:
			if err := r.part(head.Type, head.Code, decode); err != nil {
				return err
			}
		}
	}
}

func (r *resultReader) connection(decode func(any) error) error {
	c := new(record.Connection)
	if err := decode(c); err != nil {
		return err
	}
	r.connections++
	return r.sink.Connection(c)
}

// part reads one of the nouns beside connections.
func (r *resultReader) part(kind, code string, decode func(any) error) error {
	switch kind {
	case "pattern":
		var p record.Pattern
		if err := decode(&p); err != nil {
			return err
		}
		return r.sink.Pattern(p)
	case "capture":
		var c record.Capture
		if err := decode(&c); err != nil {
			return err
		}
		return r.sink.Capture(c)
	case "rule":
		var rule record.Rule
		if err := decode(&rule); err != nil {
			return err
		}
		return r.sink.Rule(code, rule)
	case "summary":
		var s record.Summary
		if err := decode(&s); err != nil {
			return err
		}
		r.summed = true
		return r.sink.Summary(s)
	}
	return nil
}

func (r *resultReader) document() error {
	if _, err := r.json.Token(); err != nil { // the brace that isLines saw
		return err
	}
	for r.json.More() {
		key, err := r.json.Token()
		if err != nil {
			return err
		}
		if err := r.key(key); err != nil {
			return err
		}
	}
	_, err := r.json.Token()
	return err
}

func (r *resultReader) key(key json.Token) error {
	switch key {
	case "schema":
		return r.json.Decode(&r.schema)
	case "tool":
		var tool record.Tool
		if err := r.json.Decode(&tool); err != nil {
			return err
		}
		r.made(tool)
		return nil
	case "connections":
		return r.list(func() error { return r.connection(r.json.Decode) })
	case "patterns":
		return r.list(func() error { return r.part("pattern", "", r.json.Decode) })
	case "captures":
		return r.list(func() error { return r.part("capture", "", r.json.Decode) })
	case "rules":
		return r.list(func() error {
			code, err := r.json.Token()
			if err != nil {
				return err
			}
			return r.part("rule", fmt.Sprint(code), r.json.Decode)
		})
	case "summary":
		return r.part("summary", "", r.json.Decode)
	}
	var other json.RawMessage
	return r.json.Decode(&other)
}

// list reads the elements of an array, or the members of an object, one by one.
func (r *resultReader) list(element func() error) error {
	open, err := r.json.Token()
	if err != nil || open == nil { // null
		return err
	}
	if open != json.Delim('[') && open != json.Delim('{') {
		return fmt.Errorf("%w: byte %d: a list is expected", ErrNotAResult, r.json.InputOffset())
	}
	for r.json.More() {
		if err := element(); err != nil {
			return err
		}
	}
	_, err = r.json.Token()
	return err
}
