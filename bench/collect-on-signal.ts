/**
 * Loaded into servers whose memory is weighed, by `--import`: SIGUSR2 has them collect their garbage. Without that it is a
 * matter of luck whether what connecting left behind counts as what a connection holds: two readings of the same server
 * differed by half.
 */
process.on('SIGUSR2', () => globalThis.gc?.());
