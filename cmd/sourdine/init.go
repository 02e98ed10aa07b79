package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"sourdine/cmd/internal/cli"
	"sourdine/onion"
	"sourdine/vault/admin"
)

func initCommand() *cobra.Command {
	var home string
	cmd := &cobra.Command{
		Use:   "init --home DIR",
		Short: "make a new home: vault, signing key, onion keys",
		Long: `init makes a server's home: an empty vault, the key that signs parcels, and the
keys of the two onion sites. It refuses a folder that holds anything. It
prints the future onion addresses and the vault's public key, which reviewers
compare at their desks.`,
		Example: "  sourdine init --home /var/lib/sourdine",
		Args:    cli.Args(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			keys, addresses := map[string][]byte{}, map[string]string{}
			for _, site := range []string{admin.SourceSite, admin.PickupSite} {
				key, err := onion.NewServiceKey()
				if err != nil {
					return err
				}
				keys[site], addresses[site] = key.Marshal(), key.Address()
			}
			h, err := admin.Create(home, keys)
			if err != nil {
				return err
			}
			local, err := admin.Open(h)
			if err != nil {
				return err
			}
			defer local.Close()
			status, err := local.Status(cmd.Context())
			if err != nil {
				return err
			}
			fmt.Fprintf(cmd.OutOrStdout(), "source %s\npickup %s\nvault-key %s\n",
				addresses[admin.SourceSite], addresses[admin.PickupSite], status.VaultKey)
			return nil
		},
	}
	addHome(cmd, &home)
	return cmd
}
