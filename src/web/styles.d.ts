/** Style sheets are imported for the bundler, which collects them. */
declare module '*.css';
