package backup

import (
	"archive/tar"
	"bufio"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"time"

	"sourdine/vault/slots"
)

const (
	blockSize = 512
	minZeros  = 2 * blockSize
	maxZeros  = 1 << 20
)

// ErrSealed is returned by [Extract] for a backup that was not opened before.
var ErrSealed = errors.New("the backup is still encrypted")

// Extract reads a backup that was opened (the tar) to its end, and writes its
// files below dir: vault.key, vault.slots, vault.db, onion/*.key and
// forks/*.checkpoint, all durable when it returns nil. The folders dir and
// dir/onion must exist and be without them; dir/forks must not exist, and is made
// if it is needed.
// Every digest has been compared then; that the keys and the log are those
// that the manifest says is left to the caller. After an error, dir holds a part
// of a backup, to be removed. It returns errors that wrap [ErrDamaged],
// [ErrSealed], or those of reading and writing.
func Extract(ctx context.Context, r io.Reader, dir string) (Manifest, error) {
	from := bufio.NewReaderSize(r, 256<<10)
	if isSealed(from) {
		return Manifest{}, ErrSealed
	}
	x := extraction{ctx: ctx, from: from, tar: tar.NewReader(from), dir: dir}
	m, err := x.run()
	if err == nil {
		err = x.syncDirs()
	}
	if err != nil {
		return Manifest{}, fmt.Errorf("failed to read the backup: %w", err)
	}
	return m, nil
}

// isSealed knows an OpenPGP message by its first byte (RFC 9580, section 4.2: a
// PKESK packet) or its armor. The tar begins with a letter.
func isSealed(r *bufio.Reader) bool {
	const armor, packetBit = "-----BEGIN PGP MESSAGE-----", 0x80
	start, _ := r.Peek(len(armor))
	return bytes.Equal(start, []byte(armor)) || len(start) > 0 && start[0]&packetBit != 0
}

type extraction struct {
	ctx   context.Context
	from  *bufio.Reader
	tar   *tar.Reader
	dir   string
	made  time.Time
	files []File
	alike int // how many of a kind the last files are
}

func (x *extraction) syncDirs() error {
	err := errors.Join(syncDir(filepath.Join(x.dir, onionFolder)), syncDir(x.dir))
	if slices.ContainsFunc(x.files, func(f File) bool { return forkForm.MatchString(f.Name) }) {
		err = errors.Join(err, syncDir(filepath.Join(x.dir, forksFolder)))
	}
	return err
}

func (x *extraction) run() (Manifest, error) {
	last := ""
	for {
		h, err := x.next()
		if err != nil {
			return Manifest{}, err
		}
		if !follows(h.Name, last) || x.tooMany(h.Name, last) {
			return Manifest{}, damaged("there is something that is no part of a backup, or at the wrong place")
		}
		if err := x.check(h); err != nil {
			return Manifest{}, err
		}
		if last = h.Name; last == manifestName {
			return x.end(h.Size)
		}
		if err := x.keep(h); err != nil {
			return Manifest{}, err
		}
	}
}

func (x *extraction) tooMany(name, before string) bool {
	rank, _ := place(name)
	if last, _ := place(before); rank != last {
		x.alike = 0
	}
	x.alike++
	return x.alike > most(rank)
}

// next returns the next entry's header. The end comes only after the manifest.
func (x *extraction) next() (*tar.Header, error) {
	h, err := x.tar.Next()
	switch {
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return nil, errCutOff()
	case errors.Is(err, tar.ErrHeader), errors.Is(err, tar.ErrFieldTooLong), errors.Is(err, tar.ErrInsecurePath):
		return nil, damaged("it is not the tar that a backup is")
	}
	return h, err
}

func errCutOff() error { return damaged("it was cut off") }

func (x *extraction) check(h *tar.Header) error {
	if x.made.IsZero() {
		x.made = h.ModTime
	}
	if !h.ModTime.Equal(x.made) {
		return damaged("%q has another day", h.Name)
	}
	return checkHeader(h)
}

// keep writes a file, unless it is the text for people.
func (x *extraction) keep(h *tar.Header) (err error) {
	var to io.Writer = io.Discard
	if h.Name != readmeName {
		if err := x.makeFolder(h.Name); err != nil {
			return err
		}
		f, err := create(filepath.Join(x.dir, filepath.FromSlash(h.Name)), h.Name == slotsName)
		if err != nil {
			return err
		}
		defer func() { err = errors.Join(err, f.Close()) }()
		to = f
	}
	digest := sha256.New()
	if _, err := io.Copy(to, io.TeeReader(while{x.ctx, x.tar}, digest)); err != nil {
		return x.readError(err)
	}
	x.files = append(x.files, File{Name: h.Name, Size: h.Size, SHA256: hex.EncodeToString(digest.Sum(nil))})
	if f, ok := to.(*os.File); ok {
		return f.Sync()
	}
	return nil
}

// create makes a file; that of the slots, whose keys deletions overwrite, as the
// vault makes it.
func create(path string, isSlots bool) (*os.File, error) {
	if isSlots {
		return slots.CreateEmpty(path)
	}
	return os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, fileMode)
}

// makeFolder makes the one folder that a home may be without.
func (x *extraction) makeFolder(name string) error {
	if first := x.alike == 1; !first || !forkForm.MatchString(name) {
		return nil
	}
	return os.Mkdir(filepath.Join(x.dir, forksFolder), 0o700)
}

func (x *extraction) readError(err error) error {
	if errors.Is(err, io.ErrUnexpectedEOF) {
		return errCutOff()
	}
	return err
}

// end compares the manifest with what came before it, and reads the rest.
func (x *extraction) end(size int64) (Manifest, error) {
	raw, err := io.ReadAll(while{x.ctx, x.tar})
	if err != nil {
		return Manifest{}, x.readError(err)
	}
	m, err := decodeManifest(raw)
	if err != nil {
		return m, err
	}
	if !slices.Equal(m.Files, x.files) {
		return m, damaged("%s", x.firstDifference(m.Files))
	}
	if made, err := midnight(m.Day); err != nil || !made.Equal(x.made) {
		return m, damaged("its manifest has another day")
	}
	return m, x.zeros(-size & (blockSize - 1))
}

func (x *extraction) firstDifference(listed []File) string {
	for i, f := range x.files {
		if i >= len(listed) || listed[i] != f {
			return f.Name + " is not as its manifest says"
		}
	}
	return "its manifest lists other files"
}

// zeros reads what is behind the manifest: the rest of its block, and the tar's
// end. The tar reader would not miss it.
func (x *extraction) zeros(padding int64) error {
	rest, err := io.ReadAll(io.LimitReader(while{x.ctx, x.from}, maxZeros+blockSize))
	switch {
	case err != nil:
		return err
	case int64(len(rest)) < padding+minZeros:
		return errCutOff()
	case len(rest) > maxZeros || len(bytes.Trim(rest, "\x00")) > 0:
		return damaged("there is something behind it")
	}
	return nil
}

// while refuses to read after ctx ended.
type while struct {
	ctx context.Context
	r   io.Reader
}

func (w while) Read(p []byte) (int, error) {
	if err := w.ctx.Err(); err != nil {
		return 0, err
	}
	return w.r.Read(p)
}

func syncDir(path string) error {
	d, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
