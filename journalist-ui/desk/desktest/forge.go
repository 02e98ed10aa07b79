package desktest

import (
	"archive/tar"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"

	"sourdine/vault/order"
	"sourdine/vault/parcel"
	"sourdine/vault/translog"
)

// A Forgery is a parcel taken apart, for a server that lies: what it signs is
// made anew from what stands here.
type Forgery struct {
	Index parcel.Index
	// Leaves is the whole log. The checkpoint, the leaves from Index.Since on and
	// the proofs are made of it.
	Leaves [][]byte
	// Files has the rosters, orders, receipts and sealed files, by name. Their
	// sizes and digests in the index follow from them.
	Files map[string][]byte
	// Replace has files of the log that are to be other than what is made.
	Replace map[string][]byte
}

// Forge takes a parcel of this vault apart, lets a lie change it, and signs the
// result with the vault's key.
func (v *Vault) Forge(honest []byte, lie func(*Forgery)) []byte {
	v.t.Helper()
	f, err := v.takeApart(honest)
	if err == nil {
		lie(f)
		var forged []byte
		if forged, err = f.pack(v.secret); err == nil {
			return forged
		}
	}
	v.t.Fatalf("failed to forge a parcel: %v", err)
	return nil
}

// SignReceipt signs a receipt that says what the test likes, with the vault's key.
func (v *Vault) SignReceipt(a order.Applied) []byte {
	v.t.Helper()
	a.VaultKey = v.Key
	signed, err := a.Sign(v.secret)
	if err != nil {
		v.t.Fatalf("failed to sign a receipt: %v", err)
	}
	return signed
}

func (v *Vault) takeApart(honest []byte) (*Forgery, error) {
	f := &Forgery{Files: map[string][]byte{}, Replace: map[string][]byte{}}
	for r := tar.NewReader(bytes.NewReader(honest)); ; {
		header, err := r.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, err
		}
		raw, err := io.ReadAll(r)
		if err != nil {
			return nil, err
		}
		f.Files[header.Name] = raw
	}
	if err := json.Unmarshal(f.Files["index.json"], &f.Index); err != nil {
		return nil, err
	}
	maps.DeleteFunc(f.Files, func(name string, _ []byte) bool { return !strings.Contains(name, "/") })
	for leaf, err := range v.vault.Leaves(0, f.Index.Size) {
		if err != nil {
			return nil, err
		}
		f.Leaves = append(f.Leaves, bytes.Clone(leaf))
	}
	return f, nil
}

type entry struct {
	name string
	data []byte
}

func (f *Forgery) pack(secret string) ([]byte, error) {
	f.Index.Size = int64(len(f.Leaves))
	logFiles, err := f.logFiles(secret)
	if err != nil {
		return nil, err
	}
	f.Index.Files = nil
	for _, e := range logFiles {
		sealed := sealedOf(e.data)
		f.Index.Files = append(f.Index.Files, parcel.Named{Name: e.name, Size: sealed.Size, SHA256: sealed.SHA256})
	}
	sealed := f.sealedFiles()
	index, err := json.Marshal(f.Index)
	if err != nil {
		return nil, err
	}
	signed, err := signedNote(index, secret)
	if err != nil {
		return nil, err
	}
	return writeTar(slices.Concat([]entry{{"parcel.note", signed}, {"index.json", index}}, logFiles, sealed))
}

func sealedOf(data []byte) parcel.Sealed {
	digest := sha256.Sum256(data)
	return parcel.Sealed{Size: int64(len(data)), SHA256: hex.EncodeToString(digest[:])}
}

// sealedFiles are the submissions', as the index lists them, whose digests it
// brings up to date.
func (f *Forgery) sealedFiles() []entry {
	var all []entry
	for i := range f.Index.Submissions {
		s := &f.Index.Submissions[i]
		name := "submissions/" + s.ID + "/envelope.pgp"
		all = append(all, entry{name, f.Files[name]})
		s.Envelope = sealedOf(f.Files[name])
		for n := range s.Payloads {
			name := PayloadName(s.ID, n)
			all = append(all, entry{name, f.Files[name]})
			s.Payloads[n] = sealedOf(f.Files[name])
		}
	}
	return all
}

// PayloadName is the name of a payload in a parcel.
func PayloadName(id string, n int) string { return fmt.Sprintf("submissions/%s/%d.pgp", id, n) }

func (f *Forgery) logFiles(secret string) ([]entry, error) {
	public, err := parcel.PublicKey(secret)
	if err != nil {
		return nil, err
	}
	origin, err := translog.Origin(public)
	if err != nil {
		return nil, err
	}
	hashes, err := translog.Append(0, f.Leaves, stored(nil))
	if err != nil {
		return nil, err
	}
	root, err := translog.Root(f.Index.Size, stored(hashes))
	if err != nil {
		return nil, err
	}
	checkpoint, err := translog.Checkpoint{Origin: origin, Size: f.Index.Size, Root: root}.Sign(secret)
	if err != nil {
		return nil, err
	}
	var leaves []byte
	for _, leaf := range f.Leaves[f.Index.Since:] {
		leaves = append(append(leaves, leaf...), '\n')
	}
	proofs, err := f.proofs(stored(hashes))
	all := []entry{{"checkpoint", checkpoint}, {"leaves.jsonl", leaves}, {"proofs.jsonl", proofs}}
	for i, e := range all {
		if data, other := f.Replace[e.name]; other {
			all[i].data = data
		}
	}
	for _, folder := range []string{"rosters/", "orders/", "applied/"} {
		for _, name := range slices.Sorted(maps.Keys(f.Files)) {
			if strings.HasPrefix(name, folder) {
				all = append(all, entry{name, f.Files[name]})
			}
		}
	}
	return all, err
}

// stored are the hashes of a log in memory.
type stored []tlog.Hash

// ReadHashes implements tlog.HashReader.
func (s stored) ReadHashes(indexes []int64) ([]tlog.Hash, error) {
	found := make([]tlog.Hash, len(indexes))
	for i, n := range indexes {
		found[i] = s[n]
	}
	return found, nil
}

func (f *Forgery) proofs(hashes stored) ([]byte, error) {
	type line struct {
		ID    string         `json:"id,omitempty"`
		Index int64          `json:"index"`
		Proof translog.Proof `json:"proof"`
	}
	consistency, err := translog.Consistency(f.Index.Since, f.Index.Size, hashes)
	if err != nil {
		return nil, err
	}
	lines := []line{{Index: f.Index.Since, Proof: consistency}}
	for _, s := range f.Index.Submissions {
		inclusion, err := translog.Inclusion(s.Leaf, f.Index.Size, hashes)
		if err != nil {
			return nil, err
		}
		lines = append(lines, line{s.ID, s.Leaf, inclusion})
	}
	var all bytes.Buffer
	encoder := json.NewEncoder(&all)
	for _, l := range lines {
		if err := encoder.Encode(l); err != nil {
			return nil, err
		}
	}
	return all.Bytes(), nil
}

func signedNote(index []byte, secret string) ([]byte, error) {
	public, err := parcel.PublicKey(secret)
	if err != nil {
		return nil, err
	}
	signer, err := note.NewSigner(secret)
	if err != nil {
		return nil, err
	}
	text := "sourdine/parcel/v2 outbound\n" + public + "\n" + sealedOf(index).SHA256 + "\n"
	return note.Sign(&note.Note{Text: text}, signer)
}

func writeTar(entries []entry) ([]byte, error) {
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	for _, e := range entries {
		header := &tar.Header{Typeflag: tar.TypeReg, Name: e.name, Size: int64(len(e.data)), Mode: 0o600}
		if err := w.WriteHeader(header); err != nil {
			return nil, err
		}
		if _, err := w.Write(e.data); err != nil {
			return nil, err
		}
	}
	return b.Bytes(), w.Close()
}
