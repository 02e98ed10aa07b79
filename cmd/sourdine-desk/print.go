package main

import (
	"encoding/json"
	"fmt"
	"io"
	"iter"
	"strings"
	"unicode/utf8"
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
		if _, err := fmt.Fprintf(w, "%s\n  %s", separator, raw); err != nil {
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
