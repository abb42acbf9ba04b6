package main

// Reading parts of a file from outside: each part is what it must be, or the check does not hold.

import (
	"encoding/hex"
	"strings"
)

func unreadable(what string) {
	fail("verify.unreadable", object{"why": what})
}

func obj(value any) object {
	found, ok := value.(object)
	if !ok {
		unreadable("no object")
	}
	return found
}

func list(value any) []any {
	found, ok := value.([]any)
	if !ok {
		unreadable("no list")
	}
	return found
}

func text(value any) string {
	found, ok := value.(string)
	if !ok {
		unreadable("no text")
	}
	return found
}

func num(value any) int64 {
	found, ok := value.(int64)
	if !ok {
		unreadable("no whole number")
	}
	return found
}

func boolean(value any) bool {
	found, ok := value.(bool)
	if !ok {
		unreadable("no flag")
	}
	return found
}

// get is a field that must be there.
func get(value any, name string) any {
	found, ok := obj(value)[name]
	if !ok {
		unreadable("no field " + name)
	}
	return found
}

// at follows a way of fields that must all be there.
func at(value any, names ...string) any {
	for _, name := range names {
		value = get(value, name)
	}
	return value
}

func texts(value any) []string {
	found := []string{}
	for _, item := range list(value) {
		found = append(found, text(item))
	}
	return found
}

// exactly says whether an object has these fields and no other.
func exactly(value any, names ...string) bool {
	given, ok := value.(object)
	if !ok || len(given) != len(names) {
		return false
	}
	for _, name := range names {
		if _, there := given[name]; !there {
			return false
		}
	}
	return true
}

func within(list []string, name string) bool {
	for _, item := range list {
		if item == name {
			return true
		}
	}
	return false
}

func isHex(value any, length int) bool {
	given, ok := value.(string)
	return ok && len(given) == length && strings.Trim(given, "0123456789abcdef") == ""
}

func unhex(value any) []byte {
	found, err := hex.DecodeString(text(value))
	if err != nil {
		unreadable("no hex")
	}
	return found
}

func isWhole(value any, low, high int64) bool {
	given, ok := value.(int64)
	return ok && low <= given && given <= high
}

func isText(value any, shortest, longest int) bool {
	given, ok := value.(string)
	length := len([]rune(given))
	return ok && shortest <= length && length <= longest
}
