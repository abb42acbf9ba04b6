package main

// Canonical bytes (docs/specs/record.md, section 1): one spelling of every value, and content ids.

import (
	"bytes"
	"encoding/hex"
	"sort"
	"strconv"
	"strings"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

const (
	largest = 1<<53 - 1
	deepest = 128 // lists and objects within one another
)

// A value is nil, bool, int64, string, []any or object.
type object = map[string]any

// no is what a check says when it does not hold; it travels as a panic to the check's frame.
type no struct {
	code  string
	facts object
}

func fail(code string, facts object) {
	panic(no{code, facts})
}

func demand(holds bool, code string) {
	if !holds {
		fail(code, nil)
	}
}

type reader struct {
	data []byte
	at   int
}

// readCanonical reads bytes that are spelled as they must be, and nothing else.
func readCanonical(data []byte) any {
	r := &reader{data: data}
	value := r.value(0)
	if r.at != len(data) {
		r.bad("bytes after the value")
	}
	return value
}

func (r *reader) bad(why string) {
	fail("identity.not_canonical", object{"at": int64(r.at), "why": why})
}

func (r *reader) peek() byte {
	if r.at >= len(r.data) {
		r.bad("the file ends too soon")
	}
	return r.data[r.at]
}

func (r *reader) word(text string, value any) any {
	if !bytes.HasPrefix(r.data[r.at:], []byte(text)) {
		r.bad("no value")
	}
	r.at += len(text)
	return value
}

func (r *reader) value(depth int) any {
	switch c := r.peek(); {
	case depth >= deepest && (c == '{' || c == '['):
		return r.tooDeep()
	case c == '{':
		return r.object(depth)
	case c == '[':
		return r.list(depth)
	case c == '"':
		return r.text()
	case c == 't':
		return r.word("true", true)
	case c == 'f':
		return r.word("false", false)
	case c == 'n':
		return r.word("null", nil)
	default:
		return r.number()
	}
}

func (r *reader) tooDeep() any {
	r.bad("nested too deep")
	return nil
}

func (r *reader) object(depth int) object {
	found, before := object{}, ""
	r.at++
	if r.peek() == '}' {
		r.at++
		return found
	}
	for {
		if r.peek() != '"' {
			r.bad("a name is no text")
		}
		name := r.text()
		for i := 0; i < len(name); i++ {
			if name[i] >= 0x80 {
				r.bad("a name is not ASCII")
			}
		}
		if name <= before { // the empty name is none
			r.bad("names empty, doubled or out of order")
		}
		before = name
		if r.peek() != ':' {
			r.bad("no colon")
		}
		r.at++
		found[name] = r.value(depth + 1)
		switch r.peek() {
		case ',':
			r.at++
		case '}':
			r.at++
			return found
		default:
			r.bad("no comma")
		}
	}
}

func (r *reader) list(depth int) []any {
	found := []any{}
	r.at++
	if r.peek() == ']' {
		r.at++
		return found
	}
	for {
		found = append(found, r.value(depth+1))
		switch r.peek() {
		case ',':
			r.at++
		case ']':
			r.at++
			return found
		default:
			r.bad("no comma")
		}
	}
}

func (r *reader) number() int64 {
	start := r.at
	if r.data[r.at] == '-' {
		r.at++
	}
	digits := r.at
	for r.at < len(r.data) && r.data[r.at] >= '0' && r.data[r.at] <= '9' {
		r.at++
	}
	text := string(r.data[start:r.at])
	number, err := strconv.ParseInt(text, 10, 64)
	if err != nil || number > largest || number < -largest {
		r.bad("no whole number within 2^53 - 1")
	}
	if r.data[digits] == '0' && text != "0" {
		r.bad("a number with a needless zero")
	}
	return number
}

var shortEscapes = map[byte]byte{'"': '"', '\\': '\\', 'b': '\b', 'f': '\f', 'n': '\n', 'r': '\r', 't': '\t'}

func (r *reader) text() string {
	r.at++
	var found strings.Builder
	plain := true
	for {
		c := r.peek()
		switch {
		case c == '"':
			r.at++
			text := found.String()
			if !plain && (!utf8.ValidString(text) || !norm.NFC.IsNormalString(text)) {
				r.bad("text that is not UTF-8 in NFC")
			}
			return text
		case c < 0x20:
			r.bad("a control character")
		case c == '\\':
			start := r.at
			r.at++
			var letter byte
			if short, known := shortEscapes[r.peek()]; known {
				letter = short
				r.at++
			} else {
				if r.at+5 > len(r.data) || r.data[r.at] != 'u' {
					r.bad("an escape that is none")
				}
				code, err := strconv.ParseUint(string(r.data[r.at+1:r.at+5]), 16, 16)
				if err != nil || code >= 0x20 {
					r.bad("a needless escape")
				}
				letter = byte(code)
				r.at += 5
			}
			var again bytes.Buffer
			writeText(&again, string(letter))
			spelled := again.Bytes()
			if !bytes.Equal(spelled[1:len(spelled)-1], r.data[start:r.at]) {
				r.bad("another spelling of an escape")
			}
			found.WriteByte(letter)
		default:
			plain = plain && c < 0x80
			found.WriteByte(c)
			r.at++
		}
	}
}

// canonical gives the bytes of a value that readCanonical made, or of one put together here.
func canonical(value any) []byte {
	var out bytes.Buffer
	write(&out, value)
	return out.Bytes()
}

func write(out *bytes.Buffer, value any) {
	switch v := value.(type) {
	case nil:
		out.WriteString("null")
	case bool:
		out.WriteString(strconv.FormatBool(v))
	case int64:
		out.WriteString(strconv.FormatInt(v, 10))
	case string:
		writeText(out, v)
	case []any:
		out.WriteByte('[')
		for i, item := range v {
			if i > 0 {
				out.WriteByte(',')
			}
			write(out, item)
		}
		out.WriteByte(']')
	case object:
		names := make([]string, 0, len(v))
		for name := range v {
			names = append(names, name)
		}
		sort.Strings(names)
		out.WriteByte('{')
		for i, name := range names {
			if i > 0 {
				out.WriteByte(',')
			}
			writeText(out, name)
			out.WriteByte(':')
			write(out, v[name])
		}
		out.WriteByte('}')
	default:
		fail("identity.not_integer", nil)
	}
}

func writeText(out *bytes.Buffer, text string) {
	const digits = "0123456789abcdef"
	out.WriteByte('"')
	for i := 0; i < len(text); i++ {
		switch c := text[i]; c {
		case '"', '\\':
			out.WriteByte('\\')
			out.WriteByte(c)
		case '\b':
			out.WriteString(`\b`)
		case '\f':
			out.WriteString(`\f`)
		case '\n':
			out.WriteString(`\n`)
		case '\r':
			out.WriteString(`\r`)
		case '\t':
			out.WriteString(`\t`)
		default:
			if c < 0x20 {
				out.WriteString(`\u00`)
				out.WriteByte(digits[c>>4])
				out.WriteByte(digits[c&15])
			} else {
				out.WriteByte(c)
			}
		}
	}
	out.WriteByte('"')
}

// contentID is H("miaopei/v1/" + kind + NUL + canonical bytes), in hex.
func contentID(kind string, value any) string {
	return hex.EncodeToString(h([]byte("miaopei/v1/"+kind+"\x00"), canonical(value)))
}

func same(a, b any) bool {
	return bytes.Equal(canonical(a), canonical(b))
}

// without is the object without one field.
func without(value object, name string) object {
	found := object{}
	for key, item := range value {
		if key != name {
			found[key] = item
		}
	}
	return found
}
