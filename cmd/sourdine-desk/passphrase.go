package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/spf13/cobra"

	"sourdine/journalist-ui/desk"
	"sourdine/journalist-ui/visible"
)

// addPassphraseFile gives a command the flag.
func addPassphraseFile(cmd *cobra.Command, path *string) {
	cmd.Flags().StringVar(path, "passphrase-file", "", "the file whose first line is the passphrase, - for standard input (required)")
	_ = cmd.MarkFlagRequired("passphrase-file") // fails only for a flag that is not there
}

// readPassphrase reads the first line of a file, without its line end.
func readPassphrase(cmd *cobra.Command, path string) ([]byte, error) {
	if path == "-" {
		return firstLine(cmd.InOrStdin())
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("failed to read the passphrase: %w", err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, fmt.Errorf("failed to read the passphrase: %w", err)
	}
	if info.Mode().IsRegular() && info.Mode().Perm()&0o077 != 0 {
		fmt.Fprintf(cmd.ErrOrStderr(), "warning: others on this machine can read the passphrase file; close it with: chmod 600 %s\n", visible.Line(path))
	}
	return firstLine(f)
}

// maxLine is the longest passphrase, its line end, and a byte by which a longer
// one is noticed.
const maxLine = desk.MaxPassphrase + 3

func firstLine(r io.Reader) ([]byte, error) {
	b, err := readLine(r)
	if err != nil {
		return nil, fmt.Errorf("failed to read the passphrase: %w", err)
	}
	line, _, _ := bytes.Cut(b, []byte("\n"))
	line = bytes.TrimSuffix(line, []byte("\r"))
	switch {
	case len(line) == 0:
		return nil, fmt.Errorf("%w: the first line of its file is empty", desk.ErrWeakPassphrase)
	case len(line) > desk.MaxPassphrase:
		return nil, fmt.Errorf("%w: it is longer than %d bytes", desk.ErrWeakPassphrase, desk.MaxPassphrase)
	}
	return line, nil
}

// readLine reads to the first line end, or as much as a passphrase can be. It
// does not wait for the end of the file, which a terminal has none of.
func readLine(r io.Reader) ([]byte, error) {
	b := make([]byte, 0, maxLine)
	for len(b) < cap(b) && !bytes.Contains(b, []byte("\n")) {
		n, err := r.Read(b[len(b):cap(b)])
		b = b[:len(b)+n]
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, err
		}
	}
	return b, nil
}
