import { existsSync } from 'node:fs';

/** Driver file of Chromium's Vulkan in software, for `VK_DRIVER_FILES`; undefined where there is none. */
export const SOFTWARE_VULKAN = [
  '/usr/lib/chromium/vk_swiftshader_icd.json',
  '/usr/lib64/chromium-browser/vk_swiftshader_icd.json',
  '/snap/chromium/current/usr/lib/chromium-browser/vk_swiftshader_icd.json',
].find((path) => existsSync(path));
