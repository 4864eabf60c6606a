/** `metakernel`: the command line. */
console.error('metakernel: no command given; see metakernel help');
process.exitCode = 2;
