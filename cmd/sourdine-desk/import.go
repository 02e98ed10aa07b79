package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"sourdine/cmd/internal/cli"
	"sourdine/journalist-ui/desk"
	"sourdine/journalist-ui/visible"
	"sourdine/vault/spoken"
)

func importCommand() *cobra.Command {
	var f deskFlags
	var vaultKey string
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "import --home DIR --passphrase-file F PARCEL",
		Short: "take in a parcel that came from the server",
		Long: `import verifies a parcel and takes in what is new in it. Submissions stay sealed
on the disk; their messages and the names of their files go into the encrypted
casebook. It prints the ids of what is new.

The first parcel decides which vault this desk trusts, unless --vault-key says
it: compare the key with the one that the admin reads out. Importing a parcel
twice, or again after an interruption, does no harm: what is here is compared
with what the vault signed, and damaged or missing files are replaced.`,
		Example: "  sourdine-desk import --home ~/desk --passphrase-file pass.txt /media/usb/parcel.tar",
		Args:    cli.Args("PARCEL"),
		RunE: func(cmd *cobra.Command, args []string) error {
			parcel, err := os.Open(args[0])
			if err != nil {
				return fmt.Errorf("failed to open the parcel: %w", err)
			}
			defer parcel.Close()
			return f.open(cmd, func(_ context.Context, d *desk.Desk) error {
				if cmd.Flags().Changed("vault-key") {
					if err := d.Pin(vaultKey); err != nil {
						return err
					}
				}
				return importParcel(cmd, d, parcel, asJSON)
			})
		},
	}
	f.add(cmd)
	cmd.Flags().StringVar(&vaultKey, "vault-key", "", "the vault's public key, as the admin gave it; pinned before the first parcel")
	cmd.Flags().BoolVar(&asJSON, "json", false, "print the whole report as JSON")
	return cmd
}

// importParcel reports what came in even when the rest was refused.
func importParcel(cmd *cobra.Command, d *desk.Desk, parcel io.Reader, asJSON bool) error {
	report, err := d.Import(cmd.Context(), parcel)
	if err == nil || report.VaultKey != "" || len(report.New) > 0 {
		tellReport(cmd.ErrOrStderr(), report, d.Fingerprint())
	}
	if err == nil {
		err = tellOutdated(cmd.Context(), cmd.ErrOrStderr(), d, report.Events)
	}
	if printErr := printReport(cmd.OutOrStdout(), report, asJSON); printErr != nil {
		return printErr
	}
	switch {
	case err == nil && isRestored(report):
		return cli.Failure{
			Err: errors.New("the server was restored from a backup, and nobody at this desk has accepted that"), Code: exitFindings,
			Hint: "see what is gone, and how to accept it, with: sourdine-desk restored --home DIR --passphrase-file F",
		}
	case err == nil && report.Found():
		return cli.Failure{
			Err: errors.New("something in the parcel or in the log is wrong"), Code: exitFindings,
			Hint: "the lines above say what; everything was taken in, what is doubtful is kept apart: keep this parcel",
		}
	case err == nil && !report.Sound():
		return cli.Failure{
			Err: errors.New("submissions were refused, or are not the same as before"), Code: exitPartly,
			Hint: "the lines above name them; everything else came in: tell the admin, and keep this parcel",
		}
	}
	return err
}

// printReport prints the ids of what is new, or everything.
func printReport(w io.Writer, r desk.Report, asJSON bool) error {
	if asJSON {
		raw, err := json.MarshalIndent(r, "", "  ")
		if err != nil {
			return fmt.Errorf("failed to encode: %w", err)
		}
		_, err = fmt.Fprintf(w, "%s\n", plainJSON(raw))
		return err
	}
	for _, id := range r.New {
		if _, err := fmt.Fprintln(w, id); err != nil {
			return err
		}
	}
	return nil
}

// tellReport says it to people: first of all whether the log was set back, or is
// one of two.
func tellReport(w io.Writer, r desk.Report, self string) {
	tellFindings(w, r.Parcel)
	if r.FirstUse {
		fmt.Fprintf(w, "this desk trusts the vault with this key from now on; compare it, or these words, with the admin's:\n  %s\n  %s\n",
			visible.Line(r.VaultKey), strings.Join(spoken.Words(r.VaultKey, "en"), " "))
	}
	fmt.Fprintf(w, "%d new, %d already here, %d sealed to other reviewers\n", len(r.New), r.Known, r.Others)
	if r.Left > 0 {
		fmt.Fprintf(w, "%d more follow in other parcels\n", r.Left)
	}
	for _, id := range slices.Sorted(maps.Keys(r.Doubtful)) {
		fmt.Fprintf(w, "doubtful: %s: %s\n", id, r.Doubtful[id])
	}
	for _, id := range r.Healed {
		fmt.Fprintf(w, "mended: %s: files of it were missing or damaged\n", id)
	}
	for _, id := range r.Conflicts {
		fmt.Fprintf(w, "conflict: %s: this parcel has another envelope, header or file for it; what was here is kept\n", id)
	}
	for _, id := range slices.Sorted(maps.Keys(r.Refused)) {
		fmt.Fprintf(w, "refused: %s: %s\n", id, visible.Line(r.Refused[id]))
	}
	tellBySubmission(w, r.Findings)
	tellFindings(w, r.Log)
	tellFindings(w, r.Missing)
	tellEvents(w, r.Events, self)
	for _, id := range r.Again {
		fmt.Fprintf(w, "ordered again: %s: the server had deleted it by your order, and has it back: the next return parcel deletes it\n", id)
	}
	if r.Receipt != nil {
		tellReceipt(w, *r.Receipt)
	}
}
