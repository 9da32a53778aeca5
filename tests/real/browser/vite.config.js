// Nothing is inlined or preloaded: each part is a request. The hosts are what the gateway passes on as Host.
export default {
  build: { assetsInlineLimit: 0, modulePreload: false },
  preview: { allowedHosts: ['ui.test', 'locked.test'] },
}
