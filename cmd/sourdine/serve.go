package main

import (
	"errors"
	"fmt"
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"

	"sourdine/cmd/internal/cli"
)

// serveOptions are the flags of serve.
type serveOptions struct {
	home         string
	listen       string
	pickupListen string
	tor          string
	torControl   string
}

func serveCommand() *cobra.Command {
	var o serveOptions
	cmd := &cobra.Command{
		Use:   "serve --home DIR [--listen 127.0.0.1:PORT] [--tor=public|private|off] [--tor-control ADDR]",
		Short: "run the source's site and pickup",
		Long: `serve runs the source's site and pickup until it is interrupted. Other commands
on the same home go on working meanwhile.

--tor=public publishes both sites on the public Tor network, --tor=private on a
private one that it starts on loopback to try things out. --listen offers the
source's site on loopback as well; --pickup-listen does so for pickup, where
nobody asks for a client key: use it for trials only.

Standard output has a line "NAME ADDRESS" whenever something can be reached.`,
		Example: "  sourdine serve --home /var/lib/sourdine --tor=public",
		Args:    cli.Args(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := o.check(); err != nil {
				return err
			}
			// Whoever read our output may go away: a lost log is no reason to cut
			// off uploads.
			signal.Ignore(syscall.SIGPIPE)
			return serve(cmd.Context(), o, cmd.OutOrStdout(), cmd.ErrOrStderr())
		},
	}
	addHome(cmd, &o.home)
	flags := cmd.Flags()
	flags.StringVar(&o.listen, "listen", "", "loopback address for the source's site")
	flags.StringVar(&o.pickupListen, "pickup-listen", "", "loopback address for pickup, without client key: for trials only")
	flags.StringVar(&o.tor, "tor", "off", "public, private or off")
	flags.StringVar(&o.torControl, "tor-control", "", "attach to a running tor's control port (host:port or unix:/path) instead of starting one; that tor must run as the same user: it reaches the sites by sockets in the home, which no other user can, and status cannot see that")
	return cmd
}

func (o serveOptions) check() error {
	usage := func(text string) error {
		return cli.Failure{Err: errors.New(text), Code: cli.Usage, Hint: "try: sourdine serve --help"}
	}
	switch {
	case o.tor != "public" && o.tor != "private" && o.tor != "off":
		return usage(fmt.Sprintf("--tor is %q; it can be public, private or off", o.tor))
	case o.torControl != "" && o.tor != "public":
		return usage("--tor-control goes with --tor=public")
	case o.tor == "off" && o.listen == "":
		return usage("nobody could reach the site: give --listen, or --tor")
	}
	for _, address := range []string{o.listen, o.pickupListen} {
		if address == "" {
			continue
		}
		if err := checkLoopback(address); err != nil {
			return usage(err.Error())
		}
	}
	return nil
}
