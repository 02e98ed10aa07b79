package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"sourdine/cmd/internal/cli"
	"sourdine/vault/admin"
	"sourdine/vault/seal"
)

func backupCommand() *cobra.Command {
	var home, to, output string
	cmd := &cobra.Command{
		Use:   "backup --home DIR --to CERTIFICATE -o FILE",
		Short: "write a backup that only the admin can open",
		Long: `backup writes all that it takes to bring the server back (vault, keys, onion
addresses) as it is at one instant, while the server goes on. FILE is an OpenPGP
message to CERTIFICATE, in it a plain tar; it appears whole or not at all, and
replaces an older one. "-" is standard output.

CERTIFICATE is the admin's, in public parts. Its private key must never be on a
server: backup needs none, and restore none either. Open FILE on another machine,
with gpg, sq or any OpenPGP program; README.txt in it says how.

What is deleted from the vault later lives on in FILE, sealed to the reviewers.
Destroy backups that are older than the retention that channels promise. While
backup writes, the vault's file may grow by what arrives.`,
		Example: "  sourdine backup --home /var/lib/sourdine --to admin.pgp -o /media/stick/sourdine.pgp",
		Args:    cli.Args(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			certificate, err := readCertificate(to)
			if err != nil {
				return err
			}
			return withAdmin(home, func(a admin.Admin) error { return runBackup(cmd, a, certificate, output) })
		},
	}
	addHome(cmd, &home)
	flags := cmd.Flags()
	flags.StringVar(&to, "to", "", "the file with the admin's OpenPGP certificate (required)")
	flags.StringVarP(&output, "output", "o", "", `the backup's file, or "-" (required)`)
	for _, name := range []string{"to", "output"} {
		_ = cmd.MarkFlagRequired(name) // fails only for a flag that is not there
	}
	return cmd
}

func readCertificate(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, unreadable("certificate", err)
	}
	defer f.Close()
	raw, err := io.ReadAll(io.LimitReader(f, seal.MaxCertificate+1)) // one byte over: refused by the parser
	if err != nil {
		return nil, unreadable("certificate", err)
	}
	return raw, nil
}

func runBackup(cmd *cobra.Command, a admin.Admin, certificate []byte, output string) error {
	now := time.Now()
	parsed, err := seal.ParseCertificate(certificate, now)
	switch {
	case errors.Is(err, seal.ErrPrivateKey): // which is the admin's own
		return cli.Failure{Err: err, Code: exitRefused, Hint: "remove that file from this machine, and give the certificate without it, as gpg --export writes it"}
	case err != nil:
		return cli.Failure{Err: fmt.Errorf("refused: %w", err), Code: exitRefused}
	}
	write := func(ctx context.Context, w io.Writer) error { return a.Backup(ctx, w, certificate) }
	if output == "-" {
		err = write(cmd.Context(), cmd.OutOrStdout())
	} else {
		err = writeWhole(cmd.Context(), "backup", output, write)
	}
	if err != nil {
		return err
	}
	say := cmd.ErrOrStderr()
	fmt.Fprintf(say, "encrypted to %s\n", parsed.Fingerprint())
	losses, err := seal.Roster{parsed}.Losses(now)
	if slices.Contains(losses, seal.LossPostQuantum) {
		fmt.Fprintln(say, "a future quantum computer may open it: the certificate is of an older kind")
	}
	return err
}
