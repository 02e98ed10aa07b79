package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"sourdine/cmd/internal/cli"
	"sourdine/journalist-ui/desk"
)

func auditCommand() *cobra.Command {
	var f deskFlags
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "audit --home DIR --passphrase-file F",
		Short: "check again everything that was ever imported",
		Long: `audit hashes every leaf of the vault's log again, follows each channel's
reviewers from the first on, and judges every deletion. It reads every sealed file,
compares it with what was imported and with the log, and opens it to its end; and
it compares every envelope's recipients with the roster that it is for. It looks
for what was accepted for you and never came. It trusts nothing but the vault's key
that this desk pinned, and says what it checked and what it found.`,
		Example: "  sourdine-desk audit --home ~/desk --passphrase-file pass.txt",
		Args:    cli.Args(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			return f.open(cmd, func(ctx context.Context, d *desk.Desk) error {
				a, err := d.Audit(ctx)
				if err != nil {
					return err
				}
				return tellAudit(cmd, a, asJSON)
			})
		},
	}
	f.add(cmd)
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return cmd
}

func tellAudit(cmd *cobra.Command, a desk.Audit, asJSON bool) error {
	w := cmd.OutOrStdout()
	if asJSON {
		raw, err := json.MarshalIndent(a, "", "  ")
		if err != nil {
			return fmt.Errorf("failed to encode: %w", err)
		}
		if _, err := fmt.Fprintf(w, "%s\n", plainJSON(raw)); err != nil {
			return err
		}
	} else {
		sayAudit(w, a)
	}
	if a.Sound() {
		return nil
	}
	return cli.Failure{
		Err: errors.New("something is wrong with what is here, or with the log"), Code: exitFindings,
		Hint: "the lines say what, and what to do about each",
	}
}

func sayAudit(w io.Writer, a desk.Audit) {
	fmt.Fprintf(w, "the log: %d leaves hashed again, they are what the vault signed\n", a.Leaves)
	fmt.Fprintf(w, "in it: %d events (reviewers, policies, deletions) followed from the first\n", a.Events)
	fmt.Fprintf(w, "submissions: %d here, %d files of %d bytes in all read, opened and compared with the log, their recipients with the rosters\n",
		a.Submissions, a.Files, a.Bytes)
	fmt.Fprintf(w, "return parcels: %d signed here, %d answered by the server\n", a.Returns, a.Receipts)
	if a.Void > 0 {
		fmt.Fprintf(w, "and %d that the server has forgotten since it was restored from a backup\n", a.Void)
	}
	tellFindings(w, a.Log)
	tellBySubmission(w, a.Findings)
	if len(a.Parcels) > 0 {
		fmt.Fprintln(w, "refused at earlier imports, what was here being kept:")
		tellFindings(w, a.Parcels)
	}
	if a.Sound() {
		fmt.Fprintln(w, "everything is as it should be")
	}
}
