package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"sourdine/cmd/internal/cli"
	"sourdine/journalist-ui/desk"
	"sourdine/vault/card"
)

func initCommand() *cobra.Command {
	var f deskFlags
	var name string
	cmd := &cobra.Command{
		Use:   "init --home DIR --name NAME --passphrase-file F",
		Short: "make a new home: the reviewer's keys, an empty casebook",
		Long: `init makes a desk's home: the reviewer's OpenPGP key and Tor client key, locked
with the passphrase, and an empty encrypted casebook. It refuses a folder that
holds anything.

There is no other way into the home than the passphrase. Keep a copy of the
folder, and the passphrase in your head or on paper in another place.`,
		Example: `  sourdine-desk init --home ~/desk --name "Alice, Nice" --passphrase-file pass.txt`,
		Args:    cli.Args(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := checkName(name); err != nil {
				return err
			}
			passphrase, err := readPassphrase(cmd, f.passphraseFile)
			if err != nil {
				return err
			}
			if err := desk.Create(cmd.Context(), f.home, name, passphrase); err != nil {
				return err
			}
			fmt.Fprintln(cmd.ErrOrStderr(), "the home is made; give the admin your card: sourdine-desk card --home DIR > CARD")
			return nil
		},
	}
	f.add(cmd)
	cmd.Flags().StringVar(&name, "name", "", "the reviewer's name, for the admin; sources never see it (required)")
	_ = cmd.MarkFlagRequired("name") // fails only for a flag that is not there
	return cmd
}

// checkName refuses a name before the passphrase is asked for.
func checkName(name string) error {
	const some = "a certificate"
	if _, err := (card.Card{Name: name, Certificate: some}).Encode(); err != nil {
		return cli.Failure{Err: err, Code: cli.Usage}
	}
	return nil
}
