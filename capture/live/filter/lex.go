package filter

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

// Error says what is wrong with an expression, and where.
type Error struct {
	// Expr is the expression; the word at fault is Length bytes from Offset
	// on. At the end of the expression Length is 0.
	Expr           string
	Offset, Length int
	// Text says what is wrong and what to write instead.
	Text string
	// Err is the cause, if there is one: of the resolver.
	Err error
}

func (e *Error) Error() string {
	if e.Length == 0 {
		return fmt.Sprintf("filter %q, at its end: %s", e.Expr, e.Text)
	}
	return fmt.Sprintf("filter %q, at %q (character %d): %s", e.Expr, e.Expr[e.Offset:e.Offset+e.Length], utf8.RuneCountInString(e.Expr[:e.Offset])+1, e.Text)
}

// Unwrap gives the error of the resolver.
func (e *Error) Unwrap() error { return e.Err }

// Pointer is the expression and, on a second line, marks below the word.
func (e *Error) Pointer() string {
	before, word := e.Expr[:e.Offset], e.Expr[e.Offset:e.Offset+e.Length]
	return e.Expr + "\n" + strings.Repeat(" ", utf8.RuneCountInString(before)) +
		strings.Repeat("^", max(1, utf8.RuneCountInString(word)))
}

type tokenKind int

const (
	tokenEnd tokenKind = iota
	tokenWord
	tokenQuoted // a word behind a backslash: never a keyword
	tokenAnd
	tokenOr
	tokenNot
	tokenOpen
	tokenClose
)

type token struct {
	kind           tokenKind
	text           string
	offset, length int
}

// maxExpression bounds an expression, in bytes.
const maxExpression = 64 << 10

var signs = []struct {
	text string
	kind tokenKind
}{{"&&", tokenAnd}, {"||", tokenOr}, {"!", tokenNot}, {"(", tokenOpen}, {")", tokenClose}}

var wordSigns = map[string]tokenKind{"and": tokenAnd, "or": tokenOr, "not": tokenNot}

// lex parts an expression; the last token is of kind tokenEnd.
func lex(expr string) ([]token, error) {
	if len(expr) > maxExpression {
		return nil, &Error{Expr: expr[:20] + "…", Text: fmt.Sprintf("longer than %d bytes", maxExpression)}
	}
	var tokens []token
	for i := 0; i < len(expr); {
		if strings.IndexByte(" \t\r\n", expr[i]) >= 0 {
			i++
			continue
		}
		t := next(expr, i)
		if t.length == 0 {
			return nil, unexpected(expr, i)
		}
		tokens = append(tokens, t)
		i += t.length
	}
	return append(tokens, token{kind: tokenEnd, offset: len(expr)}), nil
}

// next reads the token at i; its length is 0 if there is none.
func next(expr string, i int) token {
	for _, s := range signs {
		if strings.HasPrefix(expr[i:], s.text) {
			return token{s.kind, s.text, i, len(s.text)}
		}
	}
	kind, start := tokenWord, i
	if expr[i] == '\\' {
		kind, start = tokenQuoted, i+1
	}
	end := start
	for end < len(expr) && isWordByte(expr[end]) {
		end++
	}
	if end == start {
		return token{}
	}
	t := token{kind, expr[start:end], i, end - i}
	if sign, ok := wordSigns[t.text]; ok && kind == tokenWord {
		t.kind = sign
	}
	return t
}

func isWordByte(c byte) bool {
	return c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' ||
		c == '.' || c == ':' || c == '/' || c == '-' || c == '_' || c >= 0x80
}

func unexpected(expr string, i int) error {
	e := &Error{Expr: expr, Offset: i, Length: 1}
	switch expr[i] {
	case '[':
		e.Text = "bytes of a packet, as in tcp[13], are not supported"
	case '&', '|':
		e.Text = "a single sign; write && or ||"
	case '=', '<', '>', '+', '*':
		e.Text = "arithmetic and comparisons are not supported"
	default:
		e.Text = "this sign means nothing here"
	}
	return e
}
