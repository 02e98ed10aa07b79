package main

import (
	"encoding/json"
	"fmt"
	"io"
	"iter"
	"strings"
	"unicode"
	"unicode/utf16"
	"unicode/utf8"

	"sourdine/journalist-ui/visible"
)

// printTable prints rows in columns that line up.
func printTable(w io.Writer, indent string, rows [][]string) {
	var widths []int
	for _, row := range rows {
		for i, cell := range row {
			if i == len(widths) {
				widths = append(widths, 0)
			}
			widths[i] = max(widths[i], utf8.RuneCountInString(cell))
		}
	}
	for _, row := range rows {
		line := indent
		for i, cell := range row {
			line += cell + strings.Repeat(" ", widths[i]-utf8.RuneCountInString(cell)+2)
		}
		fmt.Fprintln(w, strings.TrimRight(line, " "))
	}
}

// printJSON prints all values as one JSON array, holding one in memory.
func printJSON[T any](w io.Writer, all iter.Seq2[T, error]) error {
	separator := "["
	for value, err := range all {
		if err != nil {
			return err
		}
		raw, err := json.MarshalIndent(value, "  ", "  ")
		if err != nil {
			return fmt.Errorf("failed to encode: %w", err)
		}
		if _, err := fmt.Fprintf(w, "%s\n  %s", separator, plainJSON(raw)); err != nil {
			return err
		}
		separator = ","
	}
	if separator == "[" {
		_, err := fmt.Fprintln(w, "[]")
		return err
	}
	_, err := fmt.Fprintln(w, "\n]")
	return err
}

// plainJSON writes what a terminal obeys, or the eye does not see, as \uXXXX
// (RFC 8259, section 7): the value stays the same. Such a character can stand
// only within a string.
func plainJSON(raw []byte) []byte {
	plain := make([]byte, 0, len(raw))
	for _, r := range string(raw) {
		switch hi, lo := utf16.EncodeRune(r); {
		case visible.Is(string(r)):
			plain = utf8.AppendRune(plain, r)
		case hi != unicode.ReplacementChar:
			plain = fmt.Appendf(plain, `\u%04x\u%04x`, hi, lo)
		default:
			plain = fmt.Appendf(plain, `\u%04x`, r)
		}
	}
	return plain
}
