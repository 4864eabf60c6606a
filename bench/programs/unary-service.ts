const pass = (bytes: Buffer): Buffer => bytes;

export const UNARY_SERVICE = {
  call: {
    path: '/bench.Unary/Call',
    requestStream: false,
    responseStream: false,
    requestSerialize: pass,
    requestDeserialize: pass,
    responseSerialize: pass,
    responseDeserialize: pass,
  },
} as const;
