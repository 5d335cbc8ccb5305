# far.pl HOST PORT MILLISECONDS: a way to HOST:PORT that takes that long in each direction, for ssh's ProxyCommand.
use strict;
use warnings;
use IO::Socket;
use Time::HiRes qw(time);

my ($host, $port, $delay) = @ARGV;
my $there = IO::Socket::INET->new(PeerAddr => $host, PeerPort => $port, Proto => 'tcp') or die "far.pl: $!\n";
binmode $_ for \*STDIN, \*STDOUT;

# for each direction: where it comes from, where it goes, and what is on its way: moments and bytes
my @ways = ([\*STDIN, $there, []], [$there, \*STDOUT, []]);
while (1) {
    my $wanted = '';
    vec($wanted, fileno $_->[0], 1) = 1 for @ways;
    my ($soonest) = sort { $a <=> $b } map { @{$_->[2]} ? $_->[2][0][0] : () } @ways;
    my $wait = defined $soonest ? $soonest - time : undef;
    select my $ready = $wanted, undef, undef, defined $wait && $wait < 0 ? 0 : $wait;
    for my $way (@ways) {
        my ($from, $to, $queue) = @$way;
        if (vec($ready, fileno $from, 1)) {
            # one end is gone: so is the way
            exit unless sysread $from, my $bytes, 65536;
            push @$queue, [time + $delay / 1000, $bytes];
        }
        while (@$queue && $queue->[0][0] <= time) {
            my $bytes = (shift @$queue)->[1];
            while (length $bytes) {
                my $written = syswrite $to, $bytes;
                exit unless defined $written;
                substr $bytes, 0, $written, '';
            }
        }
    }
}
