package desk

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"sourdine/journalist-ui/unseal"
	"sourdine/vault"
	"sourdine/vault/parcel"
)

// A store holds sealed submissions, a folder each:
//
//	ID/submission.json   what the parcel's index said of it
//	ID/envelope.pgp
//	ID/0.pgp …           as many payloads as submission.json lists
//
// A folder has its name only when all of it is on stable storage; until then it
// is called .ID.partial.
type store struct {
	folder string
}

const (
	entryName    = "submission.json"
	envelopeName = "envelope.pgp"
	maxEntry     = 4 << 20 // bytes
)

func (d *Desk) store() store { return store{folder: d.path(sealedName)} }

// A folder holds the sealed files of one submission.
type folder string

// at returns the folder of a submission. The id's form is checked each time: it
// is the only thing from outside that becomes a path.
func (s store) at(id string) (folder, error) {
	if _, err := vault.ParseID(id); err != nil {
		return "", fmt.Errorf("submission: %w", ErrNotFound)
	}
	return folder(filepath.Join(s.folder, id)), nil
}

func payloadName(n int) string { return fmt.Sprintf("%d.pgp", n) }

// entry returns what is stored of a submission, or [ErrNotFound].
func (s store) entry(id string) (parcel.Submission, error) {
	var e parcel.Submission
	at, err := s.at(id)
	if err != nil {
		return e, err
	}
	raw, err := readFile(filepath.Join(string(at), entryName), maxEntry)
	if errors.Is(err, fs.ErrNotExist) {
		return e, fmt.Errorf("submission %s: %w", id, ErrNotFound)
	}
	if err != nil {
		return e, fmt.Errorf("failed to read submission %s: %w", id, err)
	}
	if err := json.Unmarshal(raw, &e); err != nil || e.ID != id || len(e.Payloads) == 0 {
		return e, fmt.Errorf("the home's %s of submission %s is damaged", entryName, id)
	}
	return e, nil
}

func (f folder) envelope() ([]byte, error) {
	return readFile(filepath.Join(string(f), envelopeName), unseal.MaxEnvelope)
}

// payload opens a sealed item.
func (f folder) payload(n int) (*os.File, error) {
	return os.Open(filepath.Join(string(f), payloadName(n)))
}

// ids lists the stored submissions.
func (s store) ids() ([]string, error) { return namesIn(s.folder, fs.DirEntry.IsDir) }

// namesIn lists what is named by an id, and of a kind, in a folder of the home.
func namesIn(folder string, ofKind func(fs.DirEntry) bool) ([]string, error) {
	entries, err := os.ReadDir(folder)
	if err != nil {
		return nil, fmt.Errorf("failed to look into the home: %w", err)
	}
	var ids []string
	for _, e := range entries {
		if _, err := vault.ParseID(e.Name()); err == nil && ofKind(e) {
			ids = append(ids, e.Name())
		}
	}
	return ids, nil
}

func setOf(ids []string) map[string]bool {
	set := make(map[string]bool, len(ids))
	for _, id := range ids {
		set[id] = true
	}
	return set
}

// sweep removes what interrupted imports left. The import lock must be held.
func (s store) sweep() error {
	entries, err := os.ReadDir(s.folder)
	if err != nil {
		return fmt.Errorf("failed to list sealed submissions: %w", err)
	}
	for _, e := range entries {
		if strings.HasSuffix(e.Name(), partialSuffix) {
			if err := os.RemoveAll(filepath.Join(s.folder, e.Name())); err != nil {
				return fmt.Errorf("failed to sweep an interrupted import: %w", err)
			}
		}
	}
	return nil
}

// A partial submission is being stored. It must be ended by keep or by drop.
type partial struct {
	store store
	folder
	entry parcel.Submission
}

func (s store) begin(e parcel.Submission) (*partial, error) {
	if _, err := s.at(e.ID); err != nil {
		return nil, err
	}
	at := filepath.Join(s.folder, "."+e.ID+partialSuffix)
	if err := os.Mkdir(at, folderMode); err != nil {
		return nil, fmt.Errorf("failed to store submission %s: %w", e.ID, err)
	}
	return &partial{store: s, folder: folder(at), entry: e}, nil
}

// add stores one sealed file, to its io.EOF.
func (p *partial) add(ctx context.Context, name string, r io.Reader) error {
	f, err := os.OpenFile(filepath.Join(string(p.folder), name), os.O_CREATE|os.O_EXCL|os.O_WRONLY, fileMode)
	if err != nil {
		return fmt.Errorf("failed to store submission %s: %w", p.entry.ID, err)
	}
	_, err = io.CopyBuffer(onlyWriter{f}, &cancellable{ctx, r}, make([]byte, copyBuffer))
	if err == nil {
		err = f.Sync()
	}
	err = errors.Join(err, f.Close())
	var refused *ParcelError
	if errors.As(err, &refused) {
		return refused // it names the submission, and the fault is not the disk's
	}
	if err != nil {
		return fmt.Errorf("failed to store submission %s: %w", p.entry.ID, err)
	}
	return nil
}

const copyBuffer = 256 << 10

// keep gives the submission its name, for good. What lies under that name
// already is replaced file by file: whatever instant it is interrupted at, each
// file is there, the old one or the new.
func (p *partial) keep() error {
	raw, err := json.MarshalIndent(p.entry, "", "  ")
	if err != nil {
		return fmt.Errorf("failed to encode submission %s: %w", p.entry.ID, err)
	}
	if err := writeFile(string(p.folder), entryName, append(raw, '\n')); err != nil { // fsyncs the folder too
		return err
	}
	at, err := p.store.at(p.entry.ID)
	if err != nil {
		return err
	}
	if _, err := os.Lstat(string(at)); err == nil {
		err = p.replace(at)
		if err != nil {
			return fmt.Errorf("failed to mend submission %s: %w", p.entry.ID, err)
		}
		return nil
	}
	if err := os.Rename(string(p.folder), string(at)); err != nil {
		return fmt.Errorf("failed to store submission %s: %w", p.entry.ID, err)
	}
	return syncFolder(p.store.folder)
}

// replace moves the files into a folder that is there. submission.json goes
// last: until then the folder says of itself what it was.
func (p *partial) replace(at folder) error {
	names := []string{envelopeName}
	for n := range p.entry.Payloads {
		names = append(names, payloadName(n))
	}
	for _, name := range append(names, entryName) {
		if err := os.Rename(filepath.Join(string(p.folder), name), filepath.Join(string(at), name)); err != nil {
			return err
		}
	}
	return errors.Join(syncFolder(string(at)), p.drop())
}

func (p *partial) drop() error { return os.RemoveAll(string(p.folder)) }

// cancellable stops between two reads.
type cancellable struct {
	ctx context.Context
	r   io.Reader
}

func (c *cancellable) Read(p []byte) (int, error) {
	if err := c.ctx.Err(); err != nil {
		return 0, err
	}
	return c.r.Read(p)
}

// onlyWriter hides ReadFrom, which would copy with a buffer of its own.
type onlyWriter struct{ io.Writer }
