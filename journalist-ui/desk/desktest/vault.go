package desktest

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"sourdine/vault"
	"sourdine/vault/admin"
	"sourdine/vault/manifest"
	"sourdine/vault/parcel"
	"sourdine/vault/seal"
)

// A Vault takes submissions and packs parcels.
type Vault struct {
	Key     string // public
	t       testing.TB
	server  *admin.Local
	vault   *vault.Vault
	secret  string
	Channel string // of the next submission
	Day     string // of the next submission
}

// A File is what a source sends.
type File struct {
	Name, Type string
	Data       []byte
}

// NewVault makes a server's home with an empty vault.
func NewVault(t testing.TB) *Vault {
	t.Helper()
	folder := filepath.Join(t.TempDir(), "server")
	home, err := admin.Create(folder, nil)
	if err != nil {
		t.Fatalf("failed to create a server's home: %v", err)
	}
	return serve(t, home, folder)
}

// serve opens the vault of a server's home.
func serve(t testing.TB, home admin.Home, folder string) *Vault {
	t.Helper()
	server, err := admin.Open(home)
	if err != nil {
		t.Fatalf("failed to open a vault: %v", err)
	}
	t.Cleanup(func() { server.Close() })
	secret, err := os.ReadFile(filepath.Join(folder, "vault.key"))
	if err != nil {
		t.Fatalf("failed to read a vault's key: %v", err)
	}
	v := &Vault{t: t, server: server, vault: server.Vault(), secret: strings.TrimSpace(string(secret)), Channel: "Nice", Day: time.Now().UTC().Format(time.DateOnly)}
	if v.Key, err = parcel.PublicKey(v.secret); err != nil {
		t.Fatalf("failed to read a vault's key: %v", err)
	}
	return v
}

// Sealer seals to the reviewers with these certificates, who are then the roster
// of the channel: one whose roster has somebody else needs another v.Channel.
func (v *Vault) Sealer(certificates ...[]byte) *seal.Sealer {
	v.t.Helper()
	var roster seal.Roster
	for _, raw := range certificates {
		c, err := seal.ParseCertificate(raw, time.Now())
		if err != nil {
			v.t.Fatalf("failed to read a certificate: %v", err)
		}
		roster = append(roster, c)
	}
	v.enrol(roster)
	s, err := seal.New(roster, time.Now())
	if err != nil {
		v.t.Fatalf("failed to make a sealer: %v", err)
	}
	return s
}

// Manifest describes files as the source's site does.
func Manifest(message string, files ...File) manifest.Manifest {
	m := manifest.Manifest{Language: "fr", Message: message}
	for i, f := range files {
		digest := sha256.Sum256(f.Data)
		m.Items = append(m.Items, manifest.Item{
			N: i + 1, Name: f.Name, Size: int64(len(f.Data)), SHA256: hex.EncodeToString(digest[:]), Type: f.Type,
		})
	}
	return m
}

// Submit seals a message and files to the certificate, commits them, and returns
// the submission's id.
func (v *Vault) Submit(certificate []byte, message string, files ...File) string {
	v.t.Helper()
	raw, err := Manifest(message, files...).Encode()
	if err != nil {
		v.t.Fatalf("failed to encode a manifest: %v", err)
	}
	plain := [][]byte{raw}
	for _, f := range files {
		plain = append(plain, f.Data)
	}
	s := v.Sealer(certificate)
	var payloads [][]byte
	for _, p := range plain {
		payloads = append(payloads, v.Seal(s, p))
	}
	return v.Commit(s.Envelope(), payloads...)
}

// Seal makes one payload.
func (v *Vault) Seal(s *seal.Sealer, plain []byte) []byte {
	v.t.Helper()
	var b bytes.Buffer
	w, err := s.Item(&b)
	if err == nil {
		_, err = w.Write(plain)
	}
	if err == nil {
		err = w.Close()
	}
	if err != nil {
		v.t.Fatalf("failed to seal: %v", err)
	}
	return b.Bytes()
}

// Commit stores an envelope and payloads, which may be anything: the vault
// cannot tell.
func (v *Vault) Commit(envelope []byte, payloads ...[]byte) string {
	v.t.Helper()
	draft := v.vault.NewDraft()
	defer draft.Discard()
	for n, p := range payloads {
		w, err := draft.Item(context.Background(), n)
		if err == nil {
			_, err = w.Write(p)
		}
		if err == nil {
			err = w.Close()
		}
		if err != nil {
			v.t.Fatalf("failed to store a payload: %v", err)
		}
	}
	id, err := draft.Commit(context.Background(), vault.Commitment{
		Channel: v.Channel, Day: v.Day, Epoch: v.roster().Epoch, Envelope: envelope,
	})
	if err != nil {
		v.t.Fatalf("failed to commit: %v", err)
	}
	return id.String()
}

// Parcel packs everything that somebody has not acknowledged.
func (v *Vault) Parcel() []byte { return v.Pack(parcel.Request{}) }

// Pack packs a parcel.
func (v *Vault) Pack(r parcel.Request) []byte {
	v.t.Helper()
	var b bytes.Buffer
	if _, err := parcel.Write(context.Background(), &b, v.vault, v.secret, r); err != nil {
		v.t.Fatalf("failed to write a parcel: %v", err)
	}
	return b.Bytes()
}

// Apply applies a return parcel, as the server does.
func (v *Vault) Apply(parcel []byte) (admin.Receipt, error) {
	return v.server.ApplyParcel(context.Background(), bytes.NewReader(parcel))
}

// Store is the vault itself.
func (v *Vault) Store() *vault.Vault { return v.vault }
