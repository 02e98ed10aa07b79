package tornet

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"

	"sourdine/onion/internal/torproc"
)

// programs are the paths of what the tor package installs.
type programs struct{ tor, gencert string }

// Available tells whether a private network can be started here, or says what
// to install.
func Available() error {
	_, err := findPrograms()
	return err
}

func findPrograms() (p programs, err error) {
	if p.tor, err = torproc.Find("tor"); err != nil {
		return p, err
	}
	p.gencert, err = torproc.Find("tor-gencert")
	return p, err
}

// found makes the keys of all authorities, side by side, and fills in what
// the others must know of them.
func (p programs) found(ctx context.Context, dir string, nodes []address) error {
	var jobs []func() error
	for i := range nodes {
		if node := &nodes[i]; node.authority() {
			home := filepath.Join(dir, node.Name)
			if err := os.MkdirAll(filepath.Join(home, "keys"), 0o700); err != nil {
				return fmt.Errorf("making keys of %s: %w", node.Name, err)
			}
			jobs = append(jobs,
				func() (err error) { node.V3Ident, err = p.votingKeys(ctx, home, *node); return },
				func() (err error) { node.Fingerprint, err = p.relayKeys(ctx, home, *node); return })
		}
	}
	return together(jobs)
}

var identLine = regexp.MustCompile(`(?m)^fingerprint ([0-9A-F]{40})$`)

// votingKeys makes the keys an authority signs consensuses with and returns
// its v3 identity. The passphrase is no secret: the key signs for a network
// that exists on this machine only.
func (p programs) votingKeys(ctx context.Context, home string, node address) (string, error) {
	keys := filepath.Join(home, "keys")
	certificate := filepath.Join(keys, "authority_certificate")
	cmd := exec.CommandContext(ctx, p.gencert, "--create-identity-key", "-m", "12",
		"-a", loopback(node.DirPort),
		"-i", filepath.Join(keys, "authority_identity_key"),
		"-s", filepath.Join(keys, "authority_signing_key"),
		"-c", certificate, "--passphrase-fd", "0")
	cmd.Stdin = strings.NewReader("loopback\n")
	if err := runQuietly(cmd); err != nil {
		return "", fmt.Errorf("making voting keys of %s: %w", node.Name, err)
	}
	text, err := os.ReadFile(certificate)
	if err != nil {
		return "", fmt.Errorf("making voting keys of %s: %w", node.Name, err)
	}
	m := identLine.FindSubmatch(text)
	if m == nil {
		return "", fmt.Errorf("making voting keys of %s: no fingerprint in its certificate", node.Name)
	}
	return string(m[1]), nil
}

// relayKeys has tor make the keys of a relay and returns their fingerprint.
// tor refuses to be a testing relay without an authority, so it gets one that
// does not exist; it never connects.
func (p programs) relayKeys(ctx context.Context, home string, node address) (string, error) {
	nobody := strings.Repeat("F", 40)
	torrc := filepath.Join(home, "torrc.keys")
	lines := []string{
		"DataDirectory " + torproc.Quote(home), "Nickname " + node.Name,
		"ORPort " + loopback(node.ORPort), "TestingTorNetwork 1", "AssumeReachable 1",
		"DirAuthority nobody orport=1 no-v2 v3ident=" + nobody + " 127.0.0.1:1 " + nobody,
	}
	if err := os.WriteFile(torrc, []byte(strings.Join(lines, "\n")+"\n"), 0o600); err != nil {
		return "", fmt.Errorf("making relay keys of %s: %w", node.Name, err)
	}
	cmd := exec.CommandContext(ctx, p.tor, "--list-fingerprint", "--defaults-torrc", os.DevNull, "-f", torrc)
	if err := runQuietly(cmd); err != nil {
		return "", fmt.Errorf("making relay keys of %s: %w", node.Name, err)
	}
	text, err := os.ReadFile(filepath.Join(home, "fingerprint"))
	if err != nil {
		return "", fmt.Errorf("making relay keys of %s: %w", node.Name, err)
	}
	fields := strings.Fields(string(text)) // nickname, fingerprint
	if len(fields) != 2 || len(fields[1]) != 40 {
		return "", fmt.Errorf("making relay keys of %s: no fingerprint", node.Name)
	}
	return fields[1], nil
}

// runQuietly runs a program that says something worth knowing only when it
// fails.
func runQuietly(cmd *exec.Cmd) error {
	var said bytes.Buffer
	cmd.Stdout, cmd.Stderr = &said, &said
	if err := cmd.Run(); err != nil {
		words := strings.TrimSpace(said.String())
		return fmt.Errorf("%s: %w: %s", filepath.Base(cmd.Path), err, words[max(0, len(words)-500):])
	}
	return nil
}
