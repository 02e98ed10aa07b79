package casebook

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"time"

	"lukechampine.com/adiantum"
)

// cipherBlock is what the adiantum VFS encrypts at a time, with the block's
// offset in its file as the tweak (FORMAT.md, "The file").
const cipherBlock = 4096

const (
	databaseMagic = "SQLite format 3\x00"              // https://sqlite.org/fileformat.html, 1.3.1
	journalMagic  = "\xd9\xd5\x05\xf9\x20\xa1\x63\xd7" // the same, 3
)

// checkKey returns nil if the key decrypts the file.
//
// SQLite must not be let near the file to find out: after a crash it would
// decrypt a journal with the wrong key, find nothing to restore in it, truncate
// it, and the casebook would be broken for the right key too.
//
// A crash can have torn the first block; then the journal's tells.
func checkKey(ctx context.Context, path string, key [32]byte) error {
	const tries = 4 // another process may be writing the block at this instant
	for try := range tries {
		// In this order: a writer truncates the journal after it wrote the block.
		if ok, err := startsWith(path, databaseMagic, key); ok || err != nil {
			return err
		}
		if ok, err := startsWith(journalName(path), journalMagic, key); ok || err != nil {
			return err
		}
		if try < tries-1 {
			select {
			case <-time.After(20 * time.Millisecond):
			case <-ctx.Done():
				return ctx.Err()
			}
		}
	}
	return ErrKey
}

// startsWith reports whether the file's first block decrypts to the magic.
func startsWith(name, magic string, key [32]byte) (bool, error) {
	f, err := os.Open(name)
	if errors.Is(err, fs.ErrNotExist) { // as the journal of a copy may be
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("failed to open: %w", err)
	}
	defer f.Close()
	block := make([]byte, cipherBlock)
	if _, err := io.ReadFull(f, block); errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return false, nil
	} else if err != nil {
		return false, fmt.Errorf("failed to read the first block: %w", err)
	}
	tweak := binary.LittleEndian.AppendUint64(nil, 0)
	plain := adiantum.New(key[:]).Decrypt(block, tweak)
	return bytes.HasPrefix(plain, []byte(magic)), nil
}
