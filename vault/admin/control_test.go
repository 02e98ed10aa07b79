package admin_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"testing"

	"github.com/ProtonMail/go-crypto/openpgp/armor"
	openpgp "github.com/ProtonMail/go-crypto/openpgp/v2"

	"sourdine/vault"
	"sourdine/vault/admin"
	"sourdine/vault/parcel"
	"sourdine/vault/vaulttest"
)

func armoredCertificate(t testing.TB, k vaulttest.Key) []byte {
	t.Helper()
	var b bytes.Buffer
	w, err := armor.Encode(&b, openpgp.PublicKeyType, nil)
	if err == nil {
		err = errors.Join(k.Entity.Serialize(w), w.Close())
	}
	if err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// fill puts a submission of that many bytes into the vault.
func fill(t *testing.T, v *vault.Vault, size int) {
	t.Helper()
	d := v.NewDraft()
	w, err := d.Item(ctx, 0)
	if err == nil {
		_, err = w.Write(make([]byte, size))
	}
	if err == nil {
		err = w.Close()
	}
	if err == nil {
		_, err = d.Commit(ctx, vault.Commitment{Channel: "Nice", Day: "2026-11-21", Epoch: 1, Envelope: []byte("e")})
	}
	if err != nil {
		t.Fatal(err)
	}
}

func TestExportLocallyAndRemotely(t *testing.T) {
	t.Parallel() // finding the vault locked takes a second
	h := newHome(t)
	local := serving(t, h)
	fill(t, local.Vault(), 3<<20)
	var want, got bytes.Buffer
	if err := errors.Join(local.ExportParcel(ctx, &want), connect(t, h).ExportParcel(ctx, &got)); err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got.Bytes(), want.Bytes()) {
		t.Errorf("%d bytes from the server, %d from the vault", got.Len(), want.Len())
	}
	s, err := local.Status(ctx)
	if err != nil {
		t.Fatal(err)
	}
	r, err := parcel.Open(&got, func(string) error { return nil })
	if err != nil || r.VaultKey() != s.VaultKey || len(r.Index().Submissions) != 1 {
		t.Errorf("%v", err)
	}
}

// onFirst does something when the first bytes come.
type onFirst struct {
	io.Writer
	do func()
}

func (w *onFirst) Write(p []byte) (int, error) {
	if w.do != nil {
		w.do()
		w.do = nil
	}
	return w.Writer.Write(p)
}

// A parcel that breaks off is an error, never a short parcel.
func TestBrokenOffExport(t *testing.T) {
	t.Parallel() // finding the vault locked takes a second
	h := newHome(t)
	local, err := admin.Open(h)
	if err != nil {
		t.Fatal(err)
	}
	defer local.Close()
	fill(t, local.Vault(), 8<<20)
	for name, wantCancelled := range map[string]bool{"the server stops": false, "the command is interrupted": true} {
		listener, err := admin.ListenControl(h)
		if err != nil {
			t.Fatal(err)
		}
		serving, stop := context.WithCancel(ctx)
		done := make(chan error, 1)
		go func() { done <- local.ServeControl(serving, listener) }()
		remote := connect(t, h)
		asking, interrupt := context.WithCancel(ctx)
		do := stop
		if wantCancelled {
			do = interrupt
		}
		var got bytes.Buffer
		err = remote.ExportParcel(asking, &onFirst{&got, do})
		if err == nil || errors.Is(err, context.Canceled) != wantCancelled {
			t.Errorf("%s: %v after %d bytes", name, err, got.Len())
		}
		stop()
		if err := <-done; err != nil {
			t.Errorf("ServeControl: %v", err)
		}
		interrupt()
	}
}

// A stick that is full ends the export on both sides.
func TestExportToFullStick(t *testing.T) {
	t.Parallel() // finding the vault locked takes a second
	h := newHome(t)
	local := serving(t, h)
	fill(t, local.Vault(), 8<<20)
	errFull := errors.New("no space left")
	r, w := io.Pipe()
	r.CloseWithError(errFull)
	for name, a := range map[string]admin.Admin{"locally": local, "remotely": connect(t, h)} {
		if err := a.ExportParcel(ctx, w); !errors.Is(err, errFull) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// An answer that is not a parcel is not taken for one.
func TestExportFromAnotherServer(t *testing.T) {
	t.Parallel() // finding the vault locked takes a second
	h := newHome(t)
	v, err := vault.Open(h.Vault()) // holds the lock
	if err != nil {
		t.Fatal(err)
	}
	defer v.Close()
	listener, err := admin.ListenControl(h)
	if err != nil {
		t.Fatal(err)
	}
	server := &http.Server{Handler: http.NotFoundHandler()}
	go server.Serve(listener)
	defer server.Close()
	var got bytes.Buffer
	remote := connect(t, h)
	if err := remote.ExportParcel(ctx, &got); err == nil || got.Len() > 0 {
		t.Errorf("%q, %v", got.String(), err)
	}
	if err := remote.AddChannel(ctx, "Nice"); err == nil {
		t.Error("a channel was added by nobody")
	}
}

// Someone holds the vault and does not answer: callers can tell.
func TestLockedAndSilent(t *testing.T) {
	t.Parallel() // finding the vault locked takes a second
	h := newHome(t)
	v, err := vault.Open(h.Vault())
	if err != nil {
		t.Fatal(err)
	}
	defer v.Close()
	remote := connect(t, h)
	if _, err := remote.Status(ctx); !errors.Is(err, vault.ErrLocked) {
		t.Errorf("without a socket: %v", err)
	}
	stale(t, h)
	if err := remote.ExportParcel(ctx, io.Discard); !errors.Is(err, vault.ErrLocked) {
		t.Errorf("with a stale socket: %v", err)
	}
}

// stale leaves a socket file that nobody listens on, as kill -9 does.
func stale(t *testing.T, h admin.Home) {
	t.Helper()
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: h.Socket("control"), Net: "unix"})
	if err != nil {
		t.Fatal(err)
	}
	l.SetUnlinkOnClose(false)
	l.Close()
}

func TestControlSocket(t *testing.T) {
	t.Parallel() // finding the vault locked takes a second
	h := newHome(t)
	stale(t, h)
	serving(t, h)
	info, err := os.Stat(h.Socket("control"))
	if err != nil || info.Mode() != os.ModeSocket|0o600 {
		t.Errorf("%v, %v", info, err)
	}
	if _, err := connect(t, h).Status(ctx); err != nil {
		t.Error(err)
	}
}
